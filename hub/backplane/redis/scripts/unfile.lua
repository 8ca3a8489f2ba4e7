-- Forget one file of a session.
-- KEYS: files. ARGV: identity, file. Answers 1.
local length = redis.call('HSTRLEN', KEYS[1], 'c:' .. ARGV[2])
if redis.call('HDEL', KEYS[1], 'r:' .. ARGV[2], 'c:' .. ARGV[2]) > 0 then
  redis.call('HINCRBY', KEYS[1], 't', -length)
end
return 1
