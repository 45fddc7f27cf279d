-- What all scripts share: the keys of a topic, its channels, and how a message is put.
--
-- KEYS[1]           set of the bases of all topics
-- base:channels      sorted set of channel names; the score is when a temporary one ends
-- base:tasks:CHANNEL stream of messages; fields b (body), h (headers), a (earlier receipts),
--                    r (how many of these ended by giving back)
-- base:returned:CHANNEL hash of ids: how often they were given back without a delay
-- base:later:CHANNEL sorted set of messages that have a delay, by the time they are due
-- base:bell:CHANNEL  stream that wakes a reader when something is due sooner than it knows
-- While there is no channel that stays, CHANNEL is empty, and the first one that does takes
-- all over: those who only look, on temporary ones, take nothing from it.

local GROUP = 'task'
local NOBODY = '0:nobody'
local LONG_AGO = 1000000000

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local now = milliseconds()

local function live_channels(base)
  local found = redis.call('ZRANGEBYSCORE', base .. ':channels', now, '+inf', 'WITHSCORES')
  local live = found[#found] == 'inf' and {} or {''} -- the last one has the highest score
  for n = 1, #found, 2 do table.insert(live, found[n]) end
  return live
end

local function ring(base, channel)
  if channel ~= '' then
    redis.call('XADD', base .. ':bell:' .. channel, 'MAXLEN', 1, '*', 'x', '')
  end
end

local call = redis.call

local function lease_of(consumer)
  return tonumber(string.match(consumer, '^(%d+):') or 0)
end

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

local function streams_of(base)
  local streams = live_channels(base)
  if streams[1] == '' then call('SADD', KEYS[1], base) end -- channels have done so
  for n, channel in ipairs(streams) do
    streams[n] = {channel, base .. ':tasks:' .. channel}
  end
  return streams
end

-- ARGV from `at` on: the base of a topic, how many messages follow, and their bodies; or
-- the base, a 0, and of one message the body, the delay and the headers.
local function put_all(at)
  local known, argv, last = {}, ARGV, #ARGV
  while at < last do
    local base, count = argv[at], tonumber(argv[at + 1])
    local streams = known[base] or streams_of(base)
    known[base] = streams
    for n = 1, #streams do
      local stream = streams[n][2]
      for i = at + 2, at + 1 + count do call('XADD', stream, '*', 'b', argv[i]) end
      if count == 0 then
        local body, delay, headers = argv[at + 2], tonumber(argv[at + 3]), argv[at + 4]
        if delay == 0 then
          add(stream, body, headers, 0, 0)
        else
          postpone(base, streams[n][1], now + delay, body, headers, 0, 0)
        end
      end
    end
    at = at + 2 + (count == 0 and 3 or count)
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
