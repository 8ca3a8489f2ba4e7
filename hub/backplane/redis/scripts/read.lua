-- What came after a position, or else the fold and what came after it; begins an epoch where there is none of this store.
-- KEYS: head, stream, rows. ARGV: identity, new epoch, retention ms, epoch asked for ('' for none), offset asked for,
-- number of rows (-1 for all). Answers {epoch, top, from, complete, stream entries, fold's offset, state, rows}.
local head = redis.call('HMGET', KEYS[1], 'epoch', 'identity', 'top', 'floor', 'fold', 'folded')
local epoch, top, floor = head[1], tonumber(head[3] or 0), tonumber(head[4] or 0)
if not epoch or head[2] ~= ARGV[1] then
  if not epoch then
    redis.call('DEL', KEYS[2])
  end
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'identity', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
local asked = tonumber(ARGV[5])
if ARGV[4] == epoch and floor <= asked and asked <= top then
  local entries = asked < top and redis.call('XRANGE', KEYS[2], asked + 1, '+') or {}
  return {epoch, top, asked, 1, entries, -1, '', {}}
end
local entries = floor < top and redis.call('XRANGE', KEYS[2], floor + 1, '+') or {}
local rows = {}
if head[5] and ARGV[6] ~= '0' then
  rows = redis.call('ZREVRANGE', KEYS[3], 0, tonumber(ARGV[6]) > 0 and tonumber(ARGV[6]) - 1 or -1)
end
return {epoch, top, floor, 0, entries, tonumber(head[5] or -1), head[6] or '', rows}
