-- Decides who writes a dead letter that every instance meets. KEYS: the record's key. ARGV: 'claim' or 'done', life (s).
-- A claim is short, so that another takes over when its owner dies; done lasts. Answers mine, taken or done.
if ARGV[1] == 'done' then
  redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
  return 'done'
end
if redis.call('SET', KEYS[1], 'claimed', 'NX', 'EX', ARGV[2]) then
  return 'mine'
end
return redis.call('GET', KEYS[1]) == 'done' and 'done' or 'taken'
