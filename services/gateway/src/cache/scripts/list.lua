-- Lists a key that is no entry (the description of a stream) for purging.
-- KEYS: 1 index of the URL, 2 index of the host
-- ARGV: 1 member, 2 index TTL ms, 3 members at most
-- Returns 1. An index over its size forgets a random member: it must not grow with what a stranger asks for.
for index = 1, 2 do
  redis.call('SADD', KEYS[index], ARGV[1])
  if redis.call('SCARD', KEYS[index]) > tonumber(ARGV[3]) then redis.call('SPOP', KEYS[index]) end
  redis.call('PEXPIRE', KEYS[index], ARGV[2])
end
return 1
