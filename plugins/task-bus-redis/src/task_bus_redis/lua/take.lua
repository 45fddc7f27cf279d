-- ARGV: base, channel, consumer, limit, milliseconds by which a temporary channel lives on
-- (0: it is none), then the ids of the bells that were heard.
-- Returns the entries (id, receipts, body, headers, returned) and when to look again.
local base, channel, me, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local stream, later = base .. ':tasks:' .. channel, base .. ':later:' .. channel
local bell = base .. ':bell:' .. channel
local found = {}

if tonumber(ARGV[5]) > 0 then
  redis.call('ZADD', base .. ':channels', now + tonumber(ARGV[5]), channel)
  for _, key in ipairs({stream, later, bell, base .. ':returned:' .. channel}) do
    redis.call('PEXPIRE', key, 2 * tonumber(ARGV[5]))
  end
end
for i = 6, #ARGV do
  redis.call('XACK', bell, GROUP, ARGV[i])
  redis.call('XDEL', bell, ARGV[i])
end

local due = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, 100)
local is_full = false
for _, packed in ipairs(due) do
  local _, receipts, body, headers, returned = unpack(cmsgpack.unpack(packed))
  if not pcall(add, stream, body, headers, receipts, returned) then
    is_full = true -- what is done frees memory: all else is to go on
    break
  end
  redis.call('ZREM', later, packed)
end

local function keep(id, receipts, returned, fields)
  local entry = {id, receipts, '', '', returned}
  for i = 1, #fields, 2 do
    if fields[i] == 'b' then entry[3] = fields[i + 1]
    elseif fields[i] == 'h' then entry[4] = fields[i + 1]
    elseif fields[i] == 'a' then entry[2] = entry[2] + tonumber(fields[i + 1])
    else entry[5] = entry[5] + tonumber(fields[i + 1]) end
  end
  table.insert(found, entry)
end

local shortest = tonumber(redis.call('HGET', base .. ':leases', channel) or 0)
local is_more, from = #due == 100 and not is_full, '-'
while from do -- those that are idle for long may all be held under longer leases
  local late = redis.call('XPENDING', stream, GROUP, 'IDLE', shortest, from, '+', 100)
  from = #late == 100 and '(' .. late[100][1]
  for _, pending in ipairs(late) do
    if #found >= limit then
      is_more, from = true, false
      ring(base, channel) -- others have room, and wait
      break
    end
    local id, owner, idle, receipts = unpack(pending)
    if idle >= lease_of(owner) then
      local claimed = redis.call('XCLAIM', stream, GROUP, me, 0, id)
      if claimed[1] then
        keep(id, receipts + 1, returns_of(base, channel, id), claimed[1][2])
      else
        redis.call('XACK', stream, GROUP, id)
      end
    end
  end
end

if #found < limit then
  local count = limit - #found
  local read = redis.call('XREADGROUP', 'GROUP', GROUP, me, 'COUNT', count, 'STREAMS', stream, '>')
  for _, entry in ipairs(read and read[1][2] or {}) do keep(entry[1], 1, 0, entry[2]) end
end
if is_more then return {found, 0} end

-- Whoever hears of what is due may be busy by then: others look for it, too.
local wait = math.floor(math.min(math.max(shortest, 1000) / 3, 10000))
local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
if first[2] and not is_full then wait = math.min(wait, tonumber(first[2]) - now) end
for _, pending in ipairs(redis.call('XPENDING', stream, GROUP, '-', '+', 100)) do
  wait = math.min(wait, lease_of(pending[2]) - pending[3])
end
return {found, math.max(1, wait)}
