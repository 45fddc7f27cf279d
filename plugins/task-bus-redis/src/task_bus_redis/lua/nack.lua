-- ARGV: base, channel, consumer, delay in milliseconds, then the ids.
local base, channel, me, delay = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local stream = base .. ':tasks:' .. channel
if redis.call('EXISTS', stream) == 0 then return 0 end -- deleted, or the server is a new one
for i = 5, #ARGV do
  local id = ARGV[i]
  local pending = redis.pcall('XPENDING', stream, GROUP, id, id, 1, me)[1]
  if pending and delay == 0 then -- keeps its place, and how often it was handed out
    give_back(base, channel, id)
  elseif pending then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    local body, headers, receipts = '', '', pending[4]
    local returned = returns_of(base, channel, id) + 1
    for f = 1, #entry[2], 2 do
      if entry[2][f] == 'b' then body = entry[2][f + 1]
      elseif entry[2][f] == 'h' then headers = entry[2][f + 1]
      elseif entry[2][f] == 'a' then receipts = receipts + tonumber(entry[2][f + 1])
      else returned = returned + tonumber(entry[2][f + 1]) end
    end
    postpone(base, channel, now + delay, body, headers, receipts, returned)
    remove(base, channel, {id})
  end
end
ring(base, channel)
return 1
