-- Renew a lease with nothing to settle.
-- KEYS: head, stream, rows, ids, past, record, due, files. ARGV: identity, fence, owner, expiry, new version, session,
-- retention ms, the fence's append that must be stored (0: none). Answers the inbox's state (false for none), or the
-- error STALE.
local head = redis.call('HMGET', KEYS[1], 'n', 'o', 'b', 'f', 'l')
if head[1] ~= ARGV[2] or head[2] ~= ARGV[3] then
  return redis.error_reply('STALE fence ' .. ARGV[2] .. ' of ' .. ARGV[3] .. ' does not hold this session')
end
if ARGV[8] ~= '0' and (head[4] ~= ARGV[2] or tonumber(head[5]) < tonumber(ARGV[8])) then
  return redis.error_reply('STALE what fence ' .. ARGV[2] .. ' appended up to append ' .. ARGV[8] .. ' is lost')
end
redis.call('HSET', KEYS[1], 'x', ARGV[4], 'v', ARGV[5])
redis.call('ZADD', KEYS[7], ARGV[4], ARGV[6])
for at = 1, 6 do
  redis.call('PEXPIRE', KEYS[at], ARGV[7])
end
redis.call('PEXPIRE', KEYS[8], ARGV[7])
return head[3]
