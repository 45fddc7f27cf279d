-- ARGV: base, channel; an empty channel means the whole topic.
local base, channel = ARGV[1], ARGV[2]
if channel ~= '' then
  drop(base, channel)
  return 1
end
for _, name in ipairs(redis.call('ZRANGE', base .. ':channels', 0, -1)) do drop(base, name) end
drop(base, '')
redis.call('SREM', KEYS[1], base)
redis.call('DEL', base .. ':channels', base .. ':number', base .. ':leases')
return 1
