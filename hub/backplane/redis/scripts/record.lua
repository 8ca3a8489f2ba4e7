-- Store the directory's record of a session, if its version is still the one that is expected.
-- KEYS: record. ARGV: identity, version expected ('' for none), new version, record, retention ms.
-- Answers {1 or 0, the record before}.
local there = redis.call('HMGET', KEYS[1], 'v', 'r')
if (there[1] or '') ~= ARGV[2] then
  return {0, there[2]}
end
redis.call('HSET', KEYS[1], 'v', ARGV[3], 'r', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {1, there[2]}
