-- Notes users of a stream, forgets those whose last sign expired, and lists who is online.
-- KEYS: users by the time of their last sign, users by id.
-- ARGV: the caller's time, the time up to which signs have expired, how long the keys are kept, the most users
-- forgotten at once, the most listed, then the users that gave a sign. Times are milliseconds.
-- Returns 1 where more remain to be forgotten, else 0, and then the users.
local at, id = KEYS[1], KEYS[2]
for i = 6, #ARGV do
  redis.call('ZADD', at, 'GT', ARGV[1], ARGV[i])
  redis.call('ZADD', id, 0, ARGV[i])
end
if #ARGV > 5 then
  redis.call('PEXPIRE', at, ARGV[3])
  redis.call('PEXPIRE', id, ARGV[3])
end
local expired = redis.call('ZRANGE', at, '-inf', ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[4])
for _, user in ipairs(expired) do
  redis.call('ZREM', at, user)
  redis.call('ZREM', id, user)
end
if #expired == tonumber(ARGV[4]) then
  return {1}
end
local listed = redis.call('ZRANGE', id, '-', '+', 'BYLEX', 'LIMIT', 0, ARGV[5])
table.insert(listed, 1, 0)
return listed
