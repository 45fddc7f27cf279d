-- ARGV: base, channel; an empty channel means the whole topic.
local base, channel = ARGV[1], ARGV[2]
local function drop(name)
  redis.call('DEL', base .. ':tasks:' .. name, base .. ':later:' .. name, base .. ':bell:' .. name, base .. ':returned:' .. name)
  redis.call('HDEL', base .. ':leases', name)
  redis.call('ZREM', base .. ':channels', name)
end
if channel ~= '' then
  drop(channel)
  return 1
end
for _, name in ipairs(redis.call('ZRANGE', base .. ':channels', 0, -1)) do drop(name) end
drop('')
redis.call('SREM', KEYS[1], base)
redis.call('DEL', base .. ':channels', base .. ':number', base .. ':leases')
return 1
