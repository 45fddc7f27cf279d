-- ARGV: base. Returns for each channel its name, what waits and what is held; the empty
-- name stands for what waits for the first channel.
local base, result = ARGV[1], {}
for _, channel in ipairs(live_channels(base)) do
  local stream, waiting, held = base .. ':tasks:' .. channel, 0, 0
  if redis.call('EXISTS', stream) == 1 then
    waiting = redis.call('XLEN', stream)
    if channel ~= '' then
      for _, owner in ipairs(redis.pcall('XPENDING', stream, GROUP)[4] or {}) do
        local lease, count = lease_of(owner[1]), tonumber(owner[2])
        if lease > 0 then -- a lease that is over holds nothing
          held = held + count
            - #redis.call('XPENDING', stream, GROUP, 'IDLE', lease, '-', '+', count, owner[1])
        end
      end
    end
  end
  waiting = waiting - held + redis.call('ZCARD', base .. ':later:' .. channel)
  table.insert(result, {channel, waiting, held})
end
return result
