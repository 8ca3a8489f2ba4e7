-- What a decision of the inbox needs to know, of one moment.
-- KEYS: head, past, fence. ARGV: identity, 1 to be given a fence, then pairs of a kind (a r n c) and an id to look up.
-- Answers {version, state, lease's number, owner, expiry, new fence, what was found…}; false where there is none.
local found = redis.call('HMGET', KEYS[1], 'v', 'b', 'n', 'o', 'x')
found[3], found[5] = found[3] and tonumber(found[3]), found[5] and tonumber(found[5])
found[6] = false
if ARGV[2] == '1' then
  local given = redis.call('HMGET', KEYS[3], 'identity', 'newest')
  local newest = tonumber(given[2] or 0)
  if given[1] ~= ARGV[1] then
    -- This store may have lost what another gave out: the time is beyond that.
    local time = redis.call('TIME')
    newest = math.max(newest, time[1] * 1000 + math.floor(time[2] / 1000))
    redis.call('HSET', KEYS[3], 'identity', ARGV[1])
  end
  found[6] = newest + 1
  redis.call('HSET', KEYS[3], 'newest', found[6])
end
for at = 3, #ARGV, 2 do
  local kind, id = ARGV[at], ARGV[at + 1]
  if kind == 'r' then
    local ask = redis.call('HGET', KEYS[2], 'r:' .. id)
    found[#found + 1] = ask and redis.call('HGET', KEYS[2], 'a:' .. ask)
  else
    found[#found + 1] = redis.call('HGET', KEYS[2], kind .. ':' .. id)
  end
end
return found
