-- Stores one entry within the byte budget.
-- KEYS: 1 entry, 2 use, 3 expiry, 4 records, 5 bytes, 6 index of the URL, 7 index of the host, 8 purge mark of the URL,
--       9 purge mark of the host
-- ARGV: 1 member, 2 value, 3 bytes counted, 4 TTL ms, 5 budget bytes, 6 age of the work ms, 7 slack ms, 8 URL hash,
--       9 host hash, 10 cache prefix, 11 index prefix, 12 evictions at most, 13 index TTL ms
-- Returns {state, evicted}: 1 stored, 0 purged since the work began, -1 no room.
-- Invariant: the sum of the records is BYTES and never above the budget. Clock: Redis TIME. All numbers are integers.
local member, bytes, ttl, budget = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = nowMs()
local began = now - tonumber(ARGV[6]) - tonumber(ARGV[7])
for index = 8, 9 do
  local mark = redis.call('GET', KEYS[index])
  if mark and tonumber(mark) >= began then return { 0, 0 } end
end

drop(member, ARGV[10], ARGV[11])
local most, evicted = tonumber(ARGV[12]), 0
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, most)) do
  drop(expired, ARGV[10], ARGV[11])
end
local used = tonumber(redis.call('GET', BYTES) or '0')
while used + bytes > budget and evicted < most do
  local victim = redis.call('ZRANGE', USE, 0, 0)[1]
  if not victim then break end
  drop(victim, ARGV[10], ARGV[11])
  evicted = evicted + 1
  used = tonumber(redis.call('GET', BYTES) or '0')
end
if used + bytes > budget then return { -1, evicted } end

redis.call('SET', KEYS[1], ARGV[2], 'PX', ttl)
redis.call('HSET', RECORDS, member, string.format('%d|%s|%s', bytes, ARGV[8], ARGV[9]))
redis.call('INCRBY', BYTES, string.format('%d', bytes))
redis.call('ZADD', USE, now, member)
redis.call('ZADD', EXPIRY, now + ttl, member)
for index = 6, 7 do
  redis.call('SADD', KEYS[index], member)
  redis.call('PEXPIRE', KEYS[index], ARGV[13])
end
return { 1, evicted }
