-- Holds a cost in all buckets or in none.
-- KEYS: 1 charge record, 2.. buckets (1 to 4)
-- ARGV: 1 charge TTL ms, 2 cost ms, then per bucket: emission µs, capacity µs
-- Returns {0, 0} when it fits, else {number of the bucket without room, µs until it would fit}.
-- Invariant: a refusal writes nothing; after an admission no level is above its capacity. Clock: see common.lua.
local cost = tonumber(ARGV[2])
local levels, buckets = {}, {}
for i = 2, #KEYS do
  local emission, capacity = tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])
  local level = load(KEYS[i])
  level.tat = level.tat + emission * cost
  level.open = level.open + emission * cost
  local over = level.tat - now - capacity
  if over > 0 then return { i - 1, over } end
  levels[i] = level
  buckets[#buckets + 1] = ' ' .. ARGV[i * 2 - 1] .. ' ' .. ARGV[i * 2] .. ' ' .. KEYS[i]
end
for i = 2, #KEYS do save(KEYS[i], levels[i]) end
writeRecord(KEYS[1], cost, table.concat(buckets))
return { 0, 0 }
