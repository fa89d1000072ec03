-- Finds staged material. ARGV: 'certificate' or 'request', its id.
-- Answers certificateId, staged record, occurrence of a marker, why the credential was refused.
local certificate = ARGV[2]
if ARGV[1] == 'request' then
  certificate = redis.call('GET', 'certswap:request:' .. ARGV[2])
  if not certificate then
    return {false, false, false, false}
  end
end
local marker = redis.call('HMGET', 'certswap:marker:' .. certificate, 'occurredAt', 'refused')
return {certificate, redis.call('GET', 'certswap:staged:' .. certificate), marker[1], marker[2]}
