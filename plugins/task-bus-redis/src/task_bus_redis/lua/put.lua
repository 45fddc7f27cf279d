-- What all scripts share: the keys of a topic, its channels, and how a message is put.
--
-- KEYS[1]           set of the bases of all topics
-- base:channels      sorted set of channel names; the score is when a temporary one ends
-- base:tasks:CHANNEL stream of messages; fields b (body), h (headers), a (earlier receipts),
--                    r (how many of these ended by giving back)
-- base:returned:CHANNEL hash of ids: how often they were given back without a delay
-- base:later:CHANNEL sorted set of messages that have a delay, by the time they are due
-- base:bell:CHANNEL  stream that wakes a reader when something is due sooner than it knows
-- While there is no channel, CHANNEL is empty, and the first channel takes all over.

local GROUP = 'task'
local NOBODY = '0:nobody'
local LONG_AGO = 1000000000

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now = milliseconds()

local function live_channels(base)
  local found = redis.call('ZRANGEBYSCORE', base .. ':channels', now, '+inf')
  if #found == 0 then return {''} end
  return found
end

local function ring(base, channel)
  if channel ~= '' then
    redis.call('XADD', base .. ':bell:' .. channel, 'MAXLEN', 1, '*', 'x', '')
  end
end

local call = redis.call

local function add(stream, body, headers, receipts, returned)
  if headers == '' and receipts == 0 then
    call('XADD', stream, '*', 'b', body)
    return
  end
  local fields = {'b', body}
  if headers ~= '' then table.insert(fields, 'h'); table.insert(fields, headers) end
  if receipts > 0 then table.insert(fields, 'a'); table.insert(fields, receipts) end
  if returned > 0 then table.insert(fields, 'r'); table.insert(fields, returned) end
  redis.call('XADD', stream, '*', unpack(fields))
end

local function postpone(base, channel, due, body, headers, receipts, returned)
  local number = redis.call('INCR', base .. ':number')
  local packed = cmsgpack.pack({number, receipts, body, headers, returned})
  redis.call('ZADD', base .. ':later:' .. channel, due, packed)
  ring(base, channel)
end

-- ARGV from `at` on: for each message its topic's base, body, delay, headers.
local function put_all(at)
  local known, argv = {}, ARGV
  for i = at, #argv, 4 do
    local base, body, delay, headers = argv[i], argv[i + 1], argv[i + 2], argv[i + 3]
    local channels = known[base]
    if not channels then
      channels = live_channels(base)
      for n, channel in ipairs(channels) do
        channels[n] = {channel, base .. ':tasks:' .. channel}
      end
      known[base] = channels
      if channels[1][1] == '' then call('SADD', KEYS[1], base) end -- channels have done so
    end
    for n = 1, #channels do
      if delay == '0' then
        add(channels[n][2], body, headers, 0, 0)
      else
        postpone(base, channels[n][1], now + tonumber(delay), body, headers, 0, 0)
      end
    end
  end
end

local function is_held(stream, id, consumer) -- also after the channel was deleted
  return #redis.pcall('XPENDING', stream, GROUP, id, id, 1, consumer) > 0
end

-- Gives one back, in its place: nobody holds it, and the next take finds it.
local function give_back(base, channel, id)
  local stream = base .. ':tasks:' .. channel
  redis.call('XCLAIM', stream, GROUP, NOBODY, 0, id, 'IDLE', LONG_AGO, 'JUSTID')
  redis.call('HINCRBY', base .. ':returned:' .. channel, id, 1)
end

local function returns_of(base, channel, id)
  return tonumber(redis.call('HGET', base .. ':returned:' .. channel, id) or 0)
end

local function remove(base, channel, ids)
  local stream, returned = base .. ':tasks:' .. channel, base .. ':returned:' .. channel
  local some_returned = redis.call('EXISTS', returned) == 1
  for i = 1, #ids, 500 do -- the stack of Lua is short
    local last = math.min(i + 499, #ids)
    call('XACK', stream, GROUP, unpack(ids, i, last))
    call('XDEL', stream, unpack(ids, i, last))
    if some_returned then call('HDEL', returned, unpack(ids, i, last)) end
  end
end
