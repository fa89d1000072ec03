-- Says whose a command id is. KEYS: command. ARGV: the record's origin (topic/partition/offset), its payload's hash,
-- retention (s). Answers state, attempt, and for `decided` the result and which record decided it.
-- The attempt fences: each claim of the owner's outdates the one before (decide.lua).
local known = redis.call('HMGET', KEYS[1], 'owner', 'payload', 'attempt', 'result', 'decider')
if known[1] and known[2] ~= ARGV[2] then
  return {'conflict', 0, false, false}
end
if not known[1] or known[1] == ARGV[1] then
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'payload', ARGV[2])
  local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  return {'owner', attempt, false, false}
end
if known[4] then
  return {'decided', tonumber(known[3]), known[4], known[5]}
end
return {'waiting', tonumber(known[3]), false, false}
