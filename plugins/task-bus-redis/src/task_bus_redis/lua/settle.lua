-- ARGV: base, channel, consumer, number of ids, the ids, then the messages.
-- Returns the positions of ids that others hold; then nothing was done.
local base, channel, me, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local stream = base .. ':tasks:' .. channel
local ids, lost = {}, {}
for i = 1, count do
  ids[i] = ARGV[4 + i]
  if not is_held(stream, ids[i], me) then table.insert(lost, i - 1) end
end
if #lost > 0 then return lost end
put_all(5 + count)
remove(base, channel, ids)
return {}
