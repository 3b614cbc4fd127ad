-- Drops a batch of what an index lists, and marks the purge so that work begun before it stores nothing.
-- KEYS: 1 index, 2 use, 3 expiry, 4 records, 5 bytes, 6 purge mark
-- ARGV: 1 batch, 2 TTL of the mark ms, 3 cache prefix, 4 index prefix, 5 stream prefix
-- Returns {listed, entries dropped, bytes dropped, stream descriptions dropped}. Clock: Redis TIME.
redis.call('SET', KEYS[6], string.format('%.0f', nowMs()), 'PX', ARGV[2])
local members = redis.call('SPOP', KEYS[1], ARGV[1])
local entries, bytes, streams = 0, 0, 0
for _, member in ipairs(members) do
  streams = streams + redis.call('DEL', ARGV[5] .. member)
  local freed = drop(member, ARGV[3], ARGV[4])
  if freed >= 0 then
    entries = entries + 1
    bytes = bytes + freed
  end
end
return { #members, entries, bytes, streams }
