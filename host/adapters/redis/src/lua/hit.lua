-- Counts one hit of each key. A key is a list of the times of its hits, oldest first.
-- KEYS: the keys. ARGV: the caller's time, the most hits kept, how much longer than its window a key is kept,
-- then each key's window; all in milliseconds. Returns three numbers a key: count, age of the oldest, age of the
-- newest; the ages are -1 where there is none.
local now, most, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local seen = {}
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[3 + i])
  local oldest = redis.call('LINDEX', key, 0)
  while oldest and now - oldest >= window do
    redis.call('LPOP', key)
    oldest = redis.call('LINDEX', key, 0)
  end
  local count, newest = 0, false
  if oldest then
    count = redis.call('LLEN', key)
    newest = redis.call('LINDEX', key, -1)
  end
  if count >= most then
    redis.call('LPOP', key)
  end
  redis.call('RPUSH', key, ARGV[1])
  redis.call('PEXPIRE', key, window + slack)
  table.insert(seen, count)
  table.insert(seen, oldest and math.max(now - oldest, 0) or -1)
  table.insert(seen, newest and math.max(now - newest, 0) or -1)
end
return seen
