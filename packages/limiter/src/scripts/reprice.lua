-- Changes the price of an open charge, up or down, in all its buckets or in none.
-- KEYS: 1 charge record; the buckets stand in the record and carry the same hash tag
-- ARGV: 1 charge TTL ms, 2 new cost ms
-- Returns 1 done, 0 no room, -1 no such charge.
-- Invariant: a refusal writes nothing; the charge is open in full afterwards and lives one TTL more. Clock: see common.lua.
local record = redis.call('GET', KEYS[1])
if not record then return -1 end
local born, old, buckets = readRecord(record)
local cost = tonumber(ARGV[2])
local levels = {}
for emission, capacity, key in eachBucket(buckets) do
  emission, capacity = tonumber(emission), tonumber(capacity)
  local level = load(key)
  level.tat = level.tat + emission * (cost - old)
  if cost > old and level.tat - now > capacity then return 0 end
  close(level, emission * old, born)
  level.open = level.open + emission * cost
  levels[key] = level
end
for key, level in pairs(levels) do save(key, level) end
writeRecord(KEYS[1], cost, buckets)
return 1
