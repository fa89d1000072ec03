-- Says whose a command id is. KEYS: command. ARGV: the record's origin (topic/partition/offset), its payload's hash,
-- retention (s), the generation of the asking member's consumer group, and a stored generation that is known to be of a
-- group that was deleted ('-' for none).
-- Answers state, attempt (of `outdated`: the stored generation), and for `decided` the result and which record decided it.
-- Two things fence an owner: the generation keeps a member out that the group has expelled, the attempt outdates each
-- earlier claim (decide.lua). A claim takes the result of the attempt before away: it may never become visible.
local known = redis.call('HMGET', KEYS[1], 'owner', 'payload', 'attempt', 'result', 'decider', 'generation')
if known[1] and known[2] ~= ARGV[2] then
  return {'conflict', 0, false, false}
end
if not known[1] or known[1] == ARGV[1] then
  if known[6] and tonumber(known[6]) > tonumber(ARGV[4]) and known[6] ~= ARGV[5] then
    return {'outdated', tonumber(known[6]), false, false}
  end
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'payload', ARGV[2], 'generation', ARGV[4])
  redis.call('HDEL', KEYS[1], 'result', 'decider')
  local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
  redis.call('EXPIRE', KEYS[1], math.max(tonumber(ARGV[3]), 600)) -- a decision in the making outlives its batch
  return {'owner', attempt, false, false}
end
if known[4] then
  return {'decided', tonumber(known[3]), known[4], known[5]}
end
return {'waiting', tonumber(known[3]), false, false}
