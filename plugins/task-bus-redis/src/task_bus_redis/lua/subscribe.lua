-- ARGV: base, channel, lease in milliseconds, by how many a temporary channel lives on
-- (or 'inf'), and after how many of silence a reader that holds nothing is taken for dead.
local base, channel, lease, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local channels, bell = base .. ':channels', base .. ':bell:' .. channel
local stream = base .. ':tasks:' .. channel
local ends = life == 'inf' and life or now + tonumber(life)
for _, over in ipairs(redis.call('ZRANGEBYSCORE', channels, '-inf', '(' .. now)) do
  drop(base, over) -- its reader was killed
end
if not redis.call('ZSCORE', channels, channel) then
  if ends == 'inf' and redis.call('ZCOUNT', channels, 'inf', 'inf') == 0 then
    for _, kind in ipairs({':tasks:', ':later:'}) do
      if redis.call('EXISTS', base .. kind) == 1 then
        redis.call('RENAME', base .. kind, base .. kind .. channel)
      end
    end
  end
  redis.call('ZADD', channels, ends, channel)
end
if ends == 'inf' then redis.call('SADD', KEYS[1], base) end -- who only looks makes no topic
for _, key in ipairs({stream, bell}) do
  redis.pcall('XGROUP', 'CREATE', key, GROUP, 0, 'MKSTREAM') -- BUSYGROUP: it is there
  if ends ~= 'inf' then redis.call('PEXPIRE', key, 2 * tonumber(life)) end
  -- Readers that were killed leave their names behind.
  for _, reader in ipairs(redis.call('XINFO', 'CONSUMERS', key, GROUP)) do
    local name, held, idle = reader[2], reader[4], reader[6]
    if idle > tonumber(ARGV[5]) and (held == 0 or key == bell) then
      redis.call('XGROUP', 'DELCONSUMER', key, GROUP, name)
    end
  end
end
local shortest = tonumber(redis.call('HGET', base .. ':leases', channel) or lease)
redis.call('HSET', base .. ':leases', channel, math.min(shortest, lease))
return 1
