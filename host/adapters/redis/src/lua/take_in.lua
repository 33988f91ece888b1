-- Holds recent comments of a stream, or takes changes in.
-- KEYS: what is known of all (`next`, `at`, `floor`: no comment from this id on is missing), ids of all, ids of what is
-- shown, `author\0id` of the others, id to that, id to the comment.
-- ARGV: the caller's time, the offset that must be the held `next` (none: begin), the new one, the floor to begin
-- with, the most comments held, how long what is held holds, how long the keys are kept (milliseconds), then four for
-- each change: `s` shown, `h` hidden or `g` gone, the id, the author, the comment.
-- Returns 0 where the stream is not held.
local of_all, ids, shown, hidden, hidden_of, comments = unpack(KEYS)

local function is_below(a, b)
  for i = 1, 16 do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return false
end

local function lose(id)
  redis.call('ZREM', ids, id)
  redis.call('ZREM', shown, id)
  redis.call('HDEL', comments, id)
  local by = redis.call('HGET', hidden_of, id)
  if by then
    redis.call('ZREM', hidden, by)
    redis.call('HDEL', hidden_of, id)
  end
end

local floor = ARGV[4]
if ARGV[2] == '' then
  redis.call('UNLINK', unpack(KEYS))
else
  local held = redis.call('HMGET', of_all, 'next', 'at', 'floor')
  if not held[1] then
    return 0
  end
  if held[1] ~= ARGV[2] or ARGV[1] - held[2] >= tonumber(ARGV[6]) then
    redis.call('UNLINK', unpack(KEYS))
    return 0
  end
  floor = held[3]
end

for i = 8, #ARGV, 4 do
  local kind, id = ARGV[i], ARGV[i + 1]
  lose(id)
  if kind ~= 'g' and not is_below(id, floor) then
    redis.call('ZADD', ids, 0, id)
    redis.call('HSET', comments, id, ARGV[i + 3])
    if kind == 's' then
      redis.call('ZADD', shown, 0, id)
    else
      local by = ARGV[i + 2] .. '\0' .. id
      redis.call('ZADD', hidden, 0, by)
      redis.call('HSET', hidden_of, id, by)
    end
  end
end

local surplus = redis.call('ZCARD', ids) - ARGV[5]
if surplus > 0 then
  for _, id in ipairs(redis.call('ZRANGE', ids, 0, surplus - 1)) do
    lose(id)
  end
  floor = redis.call('ZRANGE', ids, 0, 0)[1]
end

redis.call('HSET', of_all, 'next', ARGV[3], 'at', ARGV[1], 'floor', floor)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[7])
end
return 1
