-- ARGV: base, channel, consumer. Gives back all that it holds; then it is gone.
local base, channel, me = ARGV[1], ARGV[2], ARGV[3]
local stream = base .. ':tasks:' .. channel
if redis.call('EXISTS', stream) == 0 then return 0 end
while true do -- a consumer that is deleted takes what it holds along
  local held = redis.call('XPENDING', stream, GROUP, '-', '+', 100, me)
  if #held == 0 then break end
  for _, pending in ipairs(held) do
    give_back(base, channel, pending[1])
  end
  ring(base, channel)
end
redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, me)
redis.call('XGROUP', 'DELCONSUMER', base .. ':bell:' .. channel, GROUP, me)
return 1
