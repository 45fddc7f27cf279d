-- ARGV: base, channel, consumer, then the ids. Returns the positions of those that are lost.
local stream, me = ARGV[1] .. ':tasks:' .. ARGV[2], ARGV[3]
local lost = {}
for i = 4, #ARGV do
  if not is_held(stream, ARGV[i], me) then table.insert(lost, i - 4) end
end
if #lost > 0 then return lost end
for i = 4, #ARGV do
  redis.call('XCLAIM', stream, GROUP, me, 0, ARGV[i], 'JUSTID')
end
return {}
