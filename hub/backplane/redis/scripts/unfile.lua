-- Forget one file of a session.
-- KEYS: files. ARGV: identity, file. Answers 1.
local length = redis.call('HSTRLEN', KEYS[1], 'c:' .. ARGV[2])
redis.call('HDEL', KEYS[1], 'r:' .. ARGV[2], 'c:' .. ARGV[2])
local number = 0
repeat
  local field = 'p' .. number .. ':' .. ARGV[2]
  local piece = redis.call('HSTRLEN', KEYS[1], field)
  redis.call('HDEL', KEYS[1], field)
  length = length + piece
  number = number + 1
until piece == 0
if length > 0 then
  redis.call('HINCRBY', KEYS[1], 't', -length)
end
return 1
