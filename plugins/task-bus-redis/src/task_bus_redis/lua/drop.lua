-- Deletes all that a channel is.
local function drop(base, name)
  redis.call('DEL', base .. ':tasks:' .. name, base .. ':later:' .. name, base .. ':bell:' .. name, base .. ':returned:' .. name)
  redis.call('HDEL', base .. ':leases', name)
  redis.call('ZREM', base .. ':channels', name)
end
