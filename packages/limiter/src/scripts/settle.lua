-- Ends a charge with what was used.
-- KEYS: 1 charge record; the buckets stand in the record and carry the same hash tag
-- ARGV: 1 charge TTL ms, 2 used ms (-1: the price), 3 most that is debited above the price, ms
-- Returns 1 for the first settle, 0 for any other or an abandoned charge.
-- Invariant: once, since the record goes in the same step; a refund is computed from the record, so it is never above the
-- charge; a debit is never above ARGV[3]. Clock: see common.lua.
local record = redis.call('GETDEL', KEYS[1])
if not record then return 0 end
local born, cost, buckets = readRecord(record)
local used = tonumber(ARGV[2])
if used < 0 then used = cost end
local more = math.min(used - cost, tonumber(ARGV[3]))
for emission, _, key in eachBucket(buckets) do
  emission = tonumber(emission)
  local level = load(key)
  close(level, emission * cost, born)
  level.tat = level.tat + emission * more
  save(key, level)
end
return 1
