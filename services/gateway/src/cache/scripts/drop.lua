-- Prelude of put.lua and purge.lua: takes one cache key out of everything that counts or lists it.
-- KEYS[2..5] in both: order of use, order of expiry, records, sum of bytes.
-- A record is "<bytes>|<url hash>|<host hash>".
-- Victims' keys are built from prefixes in ARGV; all share one hash tag, so they live in one slot.
local USE, EXPIRY, RECORDS, BYTES = KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local function drop(member, cachePrefix, indexPrefix)
  redis.call('DEL', cachePrefix .. member)
  redis.call('ZREM', USE, member)
  redis.call('ZREM', EXPIRY, member)
  local record = redis.call('HGET', RECORDS, member)
  if not record then return -1 end
  redis.call('HDEL', RECORDS, member)
  local bytes, url, host = string.match(record, '^(%d+)|([%w_-]+)|([%w_-]+)$')
  redis.call('DECRBY', BYTES, bytes)
  redis.call('SREM', indexPrefix .. url, member)
  redis.call('SREM', indexPrefix .. host, member)
  return tonumber(bytes)
end

local function nowMs()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
