-- Keeps a command's result, before its transaction commits. KEYS: command. ARGV: the attempt that was claimed, the
-- encoded result, the record that decided it (topic/partition/offset), retention (s).
-- Answers kept, or outdated: another has claimed since, and its decision counts.
if redis.call('HGET', KEYS[1], 'attempt') ~= ARGV[1] then
  return 'outdated'
end
redis.call('HSET', KEYS[1], 'result', ARGV[2], 'decider', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 'kept'
