-- Store a fold and trim what it covers.
-- KEYS: head, stream, rows, ids, past, record. ARGV: identity, fence, owner, retention ms, offset, state, then place,
-- message id and packed row of each row. Answers 1, or 0 where nothing was stored, or the error STALE.
local head = redis.call('HMGET', KEYS[1], 'n', 'o', 'top', 'fold')
if head[1] ~= ARGV[2] or head[2] ~= ARGV[3] then
  return redis.error_reply('STALE fence ' .. ARGV[2] .. ' of ' .. ARGV[3] .. ' does not hold this session')
end
local offset = tonumber(ARGV[5])
if offset > tonumber(head[3] or 0) or (head[4] and tonumber(head[4]) >= offset) then
  return 0
end
for at = 7, #ARGV, 3 do
  local place, id, row = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local before = redis.call('HGET', KEYS[4], 'p:' .. place)
  if before then
    redis.call('HDEL', KEYS[4], 'm:' .. before)
    redis.call('ZREMRANGEBYSCORE', KEYS[3], place, place)
  end
  redis.call('ZADD', KEYS[3], place, row)
  redis.call('HSET', KEYS[4], 'p:' .. place, id, 'm:' .. id, place)
end
redis.call('HSET', KEYS[1], 'fold', offset, 'folded', ARGV[6], 'floor', offset)
redis.call('XTRIM', KEYS[2], 'MINID', '=', offset + 1)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[4])
end
return 1
