-- Sends one message that has neither delay nor headers, as most are; alone, without what
-- scripts share: to define that costs a server more than to send.
-- KEYS[1]: set of the bases of all topics. ARGV: base, body.
local call, base, body = redis.call, ARGV[1], ARGV[2]
local tasks = base .. ':tasks:'
local found = call('ZRANGE', base .. ':channels', 0, -1, 'WITHSCORES')
local now, stays = nil, false
for i = 1, #found, 2 do
  local ends = found[i + 1]
  if ends ~= 'inf' and not now then
    local time = call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  if ends == 'inf' or tonumber(ends) >= now then
    stays = stays or ends == 'inf'
    call('XADD', tasks .. found[i], '*', 'b', body)
  end
end
-- What waits for the first channel that stays is there only if its topic is known.
if not stays and not call('XADD', tasks, 'NOMKSTREAM', '*', 'b', body) then
  call('SADD', KEYS[1], base)
  call('XADD', tasks, '*', 'b', body)
end
return 1
