-- Adds one job in the way of BullMQ 5. BullMQ 6, which the gateway has for its own queue, does it differently: it puts jobs
-- of a paused queue into `wait`, and the RENAME with which BullMQ 5 resumes destroys them there.
--
-- KEYS  1 meta  2 id  3 wait  4 paused  5 active  6 events  7 marker  8 the job  9 mark against a second add
-- ARGV  1 job id  2 name  3 data  4 options  5 time of the job, ms  6 what `version` in meta must be
--       7 '1': a queue that is gone is begun anew  8 how long the mark lives, ms
--       9 number of the database
-- Returns 1 added, 0 was added before, -1 there is no such queue, -2 the queue is one of another version.
--
-- Never acknowledged unless the job is in a list, even where one of the commands is not allowed: `priority` is written
-- after the push and is what tells a whole job from one begun.

-- A client whose SELECT is refused goes on in database 0, where an old queue may lie that no worker looks at.
if ARGV[9] ~= '0' then redis.call('SELECT', ARGV[9]) end
local meta = redis.call('HMGET', KEYS[1], 'version', 'opts.maxLenEvents', 'paused', 'concurrency')
local version, eventsMax, paused, concurrency = meta[1], meta[2], meta[3], meta[4]
if not version and not eventsMax and ARGV[7] ~= '1' then return -1 end
if version and version ~= ARGV[6] then return -2 end
if redis.call('EXISTS', KEYS[9]) == 1 or redis.call('HEXISTS', KEYS[8], 'priority') == 1 then return 0 end

redis.call('INCR', KEYS[2])
redis.call('XADD', KEYS[6], '*', 'event', 'added', 'jobId', ARGV[1], 'name', ARGV[2])
local full = concurrency and redis.call('LLEN', KEYS[5]) >= tonumber(concurrency)
if not paused and not full then redis.call('ZADD', KEYS[7], 0, '0') end
redis.call('XADD', KEYS[6], 'MAXLEN', '~', eventsMax or 10000, '*', 'event', 'waiting', 'jobId', ARGV[1])

redis.call('HSET', KEYS[8], 'name', ARGV[2], 'data', ARGV[3], 'opts', ARGV[4], 'timestamp', ARGV[5], 'delay', 0)
redis.call('LPUSH', paused and KEYS[4] or KEYS[3], ARGV[1])
redis.call('HSET', KEYS[8], 'priority', 0)
redis.call('SET', KEYS[9], ARGV[1], 'PX', ARGV[8])
return 1
