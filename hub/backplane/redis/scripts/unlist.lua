-- Take a session out of a user's list, if it still stands there as it did.
-- KEYS: user. ARGV: identity, session, score.
local score = redis.call('ZSCORE', KEYS[1], ARGV[2])
if score and tonumber(score) == tonumber(ARGV[3]) then
  return redis.call('ZREM', KEYS[1], ARGV[2])
end
return 0
