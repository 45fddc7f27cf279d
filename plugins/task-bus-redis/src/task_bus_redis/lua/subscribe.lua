-- ARGV: base, channel, lease in milliseconds, end of a temporary channel (or 'inf').
local base, channel, lease, ends = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local channels = base .. ':channels'
local stream = base .. ':tasks:' .. channel
if ends ~= 'inf' then ends = now + tonumber(ends) end
if not redis.call('ZSCORE', channels, channel) then
  redis.call('ZREMRANGEBYSCORE', channels, '-inf', '(' .. now)
  if ends == 'inf' and redis.call('ZCOUNT', channels, 'inf', 'inf') == 0 then
    for _, kind in ipairs({':tasks:', ':later:'}) do
      if redis.call('EXISTS', base .. kind) == 1 then
        redis.call('RENAME', base .. kind, base .. kind .. channel)
      end
    end
  end
  redis.call('ZADD', channels, ends, channel)
end
redis.call('SADD', KEYS[1], base)
for _, key in ipairs({stream, base .. ':bell:' .. channel}) do
  redis.pcall('XGROUP', 'CREATE', key, GROUP, 0, 'MKSTREAM') -- BUSYGROUP: it is there
end
local shortest = tonumber(redis.call('HGET', base .. ':leases', channel) or lease)
redis.call('HSET', base .. ':leases', channel, math.min(shortest, lease))
return 1
