-- Forget a part of a session.
-- KEYS: head, due, then whole keys to delete. ARGV: identity, session (to leave the index of leases; '' to stay in it),
-- then fields of the head.
redis.call('HDEL', KEYS[1], unpack(ARGV, 3))
if ARGV[2] ~= '' then
  redis.call('ZREM', KEYS[2], ARGV[2])
end
redis.call('DEL', unpack(KEYS, 3))
return 1
