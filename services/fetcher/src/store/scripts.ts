// The two scripts on the admission ledger that gateway and fetcher share. Time: the server's, in ms.
// Invariant: leased bytes = sum over the members of leases. A lease of a crashed holder lapses; at most 100 lapsed ones
// are swept per call.

import { createScript } from '@sekisho/runtime';

// KEYS 1 leases, 2 leased bytes, 3 source.
// ARGV 1 the bytes, 2 lifetime in ms, 3 bytes at most, 4 id of the lease: its member gets the length of the value itself.
// Returns 0 stored | 1 no room | 2 the id is in use.
export const STORE = createScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('DECRBY', KEYS[2], string.match(member, '%d+$'))
end
local length = string.len(ARGV[1])
local leased = tonumber(redis.call('GET', KEYS[2]) or '0')
if leased + length > tonumber(ARGV[3]) then return 1 end
if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then return 2 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[4] .. ':' .. string.format('%d', length))
redis.call('INCRBY', KEYS[2], length)
return 0`);

// KEYS 1 leases, 2 leased bytes, 3 source. ARGV 1 member of the lease. Returns how many leases were given back.
export const DROP = createScript(`
redis.call('UNLINK', KEYS[3])
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DECRBY', KEYS[2], string.match(ARGV[1], '%d+$'))
return 1`);
