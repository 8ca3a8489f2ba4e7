-- Store a decision of the inbox, if nobody came between.
-- KEYS: head, stream, rows, ids, past, record, due, files. ARGV: identity, version loaded, new version, state ('' for none),
-- since when work waits undriven ('' for none), lease: keep, clear or set, its number, owner and expiry, session,
-- retention ms, the fence's number whose append must be stored ('' for none) and that append's, then pairs of field and
-- value for the past. Answers 1, or 0 where somebody came between, or the error STALE where that append is lost.
local head = redis.call('HMGET', KEYS[1], 'v', 'x', 'f', 'l')
if (head[1] or '') ~= ARGV[2] then
  return 0
end
if ARGV[12] ~= '' and (head[3] ~= ARGV[12] or tonumber(head[4]) < tonumber(ARGV[13])) then
  return redis.error_reply('STALE what fence ' .. ARGV[12] .. ' appended up to append ' .. ARGV[13] .. ' is lost')
end
local due = ARGV[5]
if ARGV[6] == 'set' then
  redis.call('HSET', KEYS[1], 'n', ARGV[7], 'o', ARGV[8], 'x', ARGV[9])
  due = ARGV[9]
elseif ARGV[6] == 'clear' then
  redis.call('HDEL', KEYS[1], 'n', 'o', 'x')
elseif head[2] then
  due = head[2]
end
redis.call('HSET', KEYS[1], 'v', ARGV[3])
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[1], 'b')
else
  redis.call('HSET', KEYS[1], 'b', ARGV[4])
end
if due == '' then
  redis.call('ZREM', KEYS[7], ARGV[10])
else
  redis.call('ZADD', KEYS[7], due, ARGV[10])
end
for at = 14, #ARGV, 2 do
  redis.call('HSET', KEYS[5], ARGV[at], ARGV[at + 1])
end
for at = 1, 6 do
  redis.call('PEXPIRE', KEYS[at], ARGV[11])
end
redis.call('PEXPIRE', KEYS[8], ARGV[11])
return 1
