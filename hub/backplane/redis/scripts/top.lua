-- The journal's top; begins an epoch where there is none of this store.
-- KEYS: head, stream. ARGV: identity, new epoch, retention ms. Answers {epoch, top}.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'identity', 'top')
local epoch = head[1]
if not epoch or head[2] ~= ARGV[1] then
  if not epoch then
    redis.call('DEL', KEYS[2])
  end
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'identity', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {epoch, tonumber(head[3] or 0)}
