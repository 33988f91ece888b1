-- A page of recent comments, or nothing where what is held does not tell all of it.
-- KEYS: what is known of all, ids of what the reader sees, `author\0id` of what is hidden, id to the comment.
-- ARGV: the caller's time, how long what is held holds (milliseconds), the user who reads or '', the anchor's kind
-- (`n` newest, `b` before, `a` after), its id, the size.
-- Returns the held `next`, whether there are older ones and newer ones, then the comments, newest first.
local of_all, ids, hidden, comments = unpack(KEYS)
local user, kind, anchor, size = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local WHOLE = string.rep('\0', 16)

local held = redis.call('HMGET', of_all, 'at', 'floor', 'next')
if not held[1] or ARGV[1] - held[1] >= tonumber(ARGV[2]) then
  return {}
end
local floor = held[2]
if user ~= '' and #redis.call('ZRANGE', hidden, '[' .. user .. '\0', '(' .. user .. '\1', 'BYLEX', 'LIMIT', 0, 1) > 0 then
  return {}
end

local function is_any(first, last)
  return #redis.call('ZRANGE', ids, first, last, 'BYLEX', 'LIMIT', 0, 1) > 0
end

local function is_below(a, b)
  for i = 1, 16 do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return false
end

local found, older, newer
if kind == 'a' then
  if is_below(anchor, floor) then
    return {}
  end
  found = redis.call('ZRANGE', ids, '(' .. anchor, '+', 'BYLEX', 'LIMIT', 0, size + 1)
  newer, older = #found > size, is_any('-', '[' .. anchor)
  if not older and floor ~= WHOLE then
    return {}
  end
else
  local last = kind == 'b' and '(' .. anchor or '+'
  found = redis.call('ZRANGE', ids, last, '-', 'BYLEX', 'REV', 'LIMIT', 0, size + 1)
  older, newer = #found > size, kind == 'b' and is_any('[' .. anchor, '+')
  if not older and floor ~= WHOLE then
    return {}
  end
end

local page = {held[3], older and 1 or 0, newer and 1 or 0}
if #found == 0 then
  return page
end
local count = math.min(#found, size)
local bodies = redis.call('HMGET', comments, unpack(found, 1, count))
for i = 1, count do
  page[3 + i] = bodies[kind == 'a' and count + 1 - i or i]
end
return page
