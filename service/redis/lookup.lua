-- Finds staged material. ARGV: 'certificate' or 'request', its id.
-- Answers certificateId, staged record, of a marker eventId, occurrence, end of life and why the credential was refused,
-- and the moment (ms).
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local certificate = ARGV[2]
if ARGV[1] == 'request' then
  certificate = redis.call('GET', 'certswap:request:' .. ARGV[2])
  if not certificate then
    return {false, false, false, false, false, false, now}
  end
end
local marker = redis.call('HMGET', 'certswap:marker:' .. certificate, 'eventId', 'occurredAt', 'expiresAt', 'refused')
local record = redis.call('GET', 'certswap:staged:' .. certificate)
return {certificate, record, marker[1], marker[2], marker[3], marker[4], now}
