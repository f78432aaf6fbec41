-- The usual flash sale in Redis: check the user, check the stock, decrement, record. All or nothing
-- for each user; several at once come as several pairs of user id and purchase id.
local outcomes = {}
local stock = tonumber(redis.call('GET', KEYS[1]))
for i = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[2], ARGV[i]) == 1 then
    outcomes[#outcomes + 1] = 'ALREADY_PURCHASED'
  elseif stock < 1 then
    outcomes[#outcomes + 1] = 'SOLD_OUT'
  else
    stock = stock - 1
    redis.call('DECR', KEYS[1])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
    outcomes[#outcomes + 1] = 'PURCHASED'
  end
end
return outcomes
