-- Debits what a process has counted and admitted by itself.
-- KEYS: buckets (1 to 200)
-- ARGV: 1 charge TTL ms, then per bucket: emission µs, cost ms (0: only asks)
-- Returns the level of each bucket afterwards, µs.
-- Invariant: nothing is refused, so a level may stand above its capacity until it has drained. Clock: see common.lua.
local levels = {}
for i = 1, #KEYS do
  local level = load(KEYS[i])
  local more = tonumber(ARGV[i * 2]) * tonumber(ARGV[i * 2 + 1])
  if more > 0 then
    level.tat = level.tat + more
    save(KEYS[i], level)
  end
  levels[i] = level.tat - now
end
return levels
