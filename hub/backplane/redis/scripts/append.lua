-- Store events of the session's driver and publish them.
-- KEYS: head, stream. ARGV: identity, new epoch, fence, owner, number, count, packed, channel, retention ms.
-- Answers {epoch, first, last}, or the error STALE.
local head = redis.call('HMGET', KEYS[1], 'n', 'o', 'epoch', 'identity', 'top', 'f', 'l')
if head[1] ~= ARGV[3] or head[2] ~= ARGV[4] then
  local holder = head[1] and ('fence ' .. head[1] .. ' of ' .. head[2] .. ' holds this session, not ')
    or 'nobody holds this session, nor does '
  return redis.error_reply('STALE ' .. holder .. 'fence ' .. ARGV[3] .. ' of ' .. ARGV[4])
end
local number = tonumber(ARGV[5])
local ring = 'r' .. (number % 4)
if head[6] == ARGV[3] and number <= tonumber(head[7]) then
  local kept = redis.call('HGET', KEYS[1], ring) or ''
  local fence, same, first, last = string.match(kept, '^(%d+) (%d+) (%d+) (%d+)$')
  if fence == ARGV[3] and same == ARGV[5] then
    return {head[3], tonumber(first), tonumber(last)}
  end
  return redis.error_reply('STALE append ' .. ARGV[5] .. ' of fence ' .. ARGV[3] .. ' comes after append '
    .. head[7] .. ' was stored')
end
if number > 1 and (head[6] ~= ARGV[3] or tonumber(head[7]) ~= number - 1) then
  return redis.error_reply('STALE what fence ' .. ARGV[3] .. ' appended before append ' .. ARGV[5] .. ' is lost')
end
local epoch, top = head[3], tonumber(head[5] or 0)
if epoch and head[4] == ARGV[1] then
  -- The numbering goes on.
elseif epoch then
  -- Another store than wrote this last: it may have lost its tail, whose offsets must not be used again.
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'identity', ARGV[1])
else
  epoch = ARGV[2]
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'identity', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[9])
end
local first, last = top + 1, top + tonumber(ARGV[6])
redis.call('HSET', KEYS[1], 'top', last, 'f', ARGV[3], 'l', ARGV[5],
  ring, ARGV[3] .. ' ' .. ARGV[5] .. ' ' .. first .. ' ' .. last)
if last >= first then
  redis.call('XADD', KEYS[2], last, 'p', ARGV[7])
  if top == 0 then
    redis.call('PEXPIRE', KEYS[2], ARGV[9])
  end
  redis.call('PUBLISH_WORD', ARGV[8], epoch .. ' ' .. first .. ' ' .. ARGV[7])
end
return {epoch, first, last}
