-- Stages one event. KEYS: staged, marker, request. ARGV: eventId, occurredAt (ms), end of life (ms), certificateId, requestId,
-- why the credential was refused ('' if it was not), sealed record, life of marker and request key (s).
-- Answers what became of it: staged, replayed, over, refused or older.
local event, certificate, request, refused = ARGV[1], ARGV[4], ARGV[5], ARGV[6]
local occurred, ends, life = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local request_field = 'request:' .. request
local known = redis.call('HMGET', KEYS[2], 'eventId', 'occurredAt', 'expiresAt')
local replayed = known[1] == event
local since, ended = tonumber(known[2] or ''), tonumber(known[3] or '')
local older = not replayed and since and since > occurred

-- The newer event wins a request id; the marker of the certificate that holds it says when that one occurred.
local holder = redis.call('GET', KEYS[3])
local held_since = holder and redis.call('HGET', 'certswap:marker:' .. holder, request_field)
if not (holder and held_since and tonumber(held_since) > occurred) then
  if not (replayed and holder == certificate) then
    redis.call('SET', KEYS[3], certificate, 'EX', life)
  end
  redis.call('HSET', KEYS[2], request_field, ARGV[2])
end
if older then
  return 'older'
end

if replayed and ended and ended < ends then
  ends = ended
end
redis.call('HSET', KEYS[2], 'eventId', event, 'occurredAt', ARGV[2], 'expiresAt', string.format('%.0f', ends))
if not replayed then
  redis.call('EXPIRE', KEYS[2], life)
end
if refused ~= '' then
  redis.call('HSET', KEYS[2], 'refused', refused)
  redis.call('DEL', KEYS[1])
  return 'refused'
end
redis.call('HDEL', KEYS[2], 'refused')
if ends <= now then
  redis.call('DEL', KEYS[1])
  return 'over'
end
redis.call('SET', KEYS[1], ARGV[7], 'PXAT', string.format('%.0f', ends))
return replayed and 'replayed' or 'staged'
