-- Moves one partition's watermark forward, never back. KEYS: watermark. ARGV: topic-partition, ms.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
