-- Store a file of a session, if the session's files are then not too many bytes.
-- KEYS: files. ARGV: identity, file, its size, the most bytes of all, record, retention ms, piece…
-- Answers 1 if it is there now, 0 if it would be too much.
if redis.call('HEXISTS', KEYS[1], 'r:' .. ARGV[2]) == 1 then
  return 1
end
if tonumber(redis.call('HGET', KEYS[1], 't') or 0) + tonumber(ARGV[3]) > tonumber(ARGV[4]) then
  return 0
end
redis.call('HSET', KEYS[1], 'r:' .. ARGV[2], ARGV[5])
for i = 7, #ARGV do
  redis.call('HSET', KEYS[1], 'p' .. (i - 7) .. ':' .. ARGV[2], ARGV[i])
end
redis.call('HINCRBY', KEYS[1], 't', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
