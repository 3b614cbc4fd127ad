-- Shared by all scripts of the limiter: one bucket is four big-endian doubles that hold whole numbers of µs (text would
-- cost a quarter more CPU of Redis): tat, epoch, open, openPrev.
--   tat       theoretical arrival time; tat - now is the level and drains by itself
--   epoch     number of the charge TTL in which it was written
--   open      charges of that epoch that are not settled; openPrev: of the epoch before
-- ARGV[1] is the charge TTL in ms in every script.
-- Invariant: the level is never below the open charges. Without that floor a held charge drains while it is held and its
-- refund hands the same time out twice. A holder that died leaves the floor after two epochs at most, then drains.
-- Clock: Redis TIME, never a client's. All numbers are integers below 2^53, which a double holds exactly.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ttl = tonumber(ARGV[1])
local epoch = math.floor(now / (ttl * 1000))

local function load(key)
  local text = redis.call('GET', key)
  if not text then return { tat = now, open = 0, prev = 0 } end
  local tat, written, open, prev = struct.unpack('>dddd', text)
  if written > epoch then
    -- The clock went back: the old arrival time would lock the bucket until the clock is there again.
    tat = now
  elseif written == epoch - 1 then
    open, prev = 0, open
  elseif written < epoch then
    open, prev = 0, 0
  end
  return { tat = math.max(tat, now + open + prev), open = open, prev = prev }
end

local function save(key, level)
  if level.tat <= now then
    redis.call('DEL', key)
    return
  end
  local keep = math.ceil((level.tat - now) / 1000) + 1
  if level.open + level.prev > 0 then keep = math.max(keep, 2 * ttl) end
  redis.call('SET', key, struct.pack('>dddd', level.tat, epoch, level.open, level.prev), 'PX', keep)
end

-- Takes a charge born in an epoch out of the open ones.
local function close(level, us, born)
  if born == epoch then
    level.open = math.max(0, level.open - us)
  elseif born == epoch - 1 then
    level.prev = math.max(0, level.prev - us)
  end
end

-- A charge record: "born cost", then " emission capacity key" per bucket; capacity in µs.
local function writeRecord(key, cost, buckets)
  redis.call('SET', key, string.format('%.0f %.0f', epoch, cost) .. buckets, 'PX', ttl)
end

local function readRecord(text)
  local born, cost, buckets = string.match(text, '^(%d+) (%d+)(.*)$')
  return tonumber(born), tonumber(cost), buckets
end

local function eachBucket(buckets)
  return string.gmatch(buckets, ' (%d+) (%d+) (%S+)')
end
