-- Finds staged material. ARGV: 'certificate' or 'request', its id.
-- Answers Redis' time (ms), certificateId, staged record, occurrence of a marker, why the credential was refused.
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local certificate = ARGV[2]
if ARGV[1] == 'request' then
  certificate = redis.call('GET', 'certswap:request:' .. ARGV[2])
  if not certificate then
    return {now, false, false, false, false}
  end
end
local marker = redis.call('HMGET', 'certswap:marker:' .. certificate, 'occurredAt', 'refused')
return {now, certificate, redis.call('GET', 'certswap:staged:' .. certificate), marker[1], marker[2]}
