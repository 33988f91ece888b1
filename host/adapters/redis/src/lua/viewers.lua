-- Sums the viewers of a stream over its hosts, names those hosts, and forgets hosts whose report expired.
-- KEYS: the stream's hash of host to `time:count`. ARGV: the caller's time, how long a report holds; milliseconds.
local now, expiry = tonumber(ARGV[1]), tonumber(ARGV[2])
local sum, hosts = 0, {}
local reports = redis.call('HGETALL', KEYS[1])
for i = 1, #reports, 2 do
  local at, count = string.match(reports[i + 1], '^(%d+):(%d+)$')
  if at and now - at < expiry then
    sum = sum + count
    if tonumber(count) > 0 then
      hosts[#hosts + 1] = reports[i]
    end
  else
    redis.call('HDEL', KEYS[1], reports[i])
  end
end
return {sum, hosts}
