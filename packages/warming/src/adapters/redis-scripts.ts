import { takeScript } from './redis-take-script.js';

/**
 * The atomic steps of the Redis ledger. KEYS[1] is the common prefix; every key of a fleet carries the same hash tag.
 *
 * A slot is kept in three hashes: `heads` has what it is found and counted by, `slots` its record, and `takings` what a claim
 * changed of the record since; see `redis-cells.ts`. `keys` maps a claim key to `=` and its slot, or to the hold on it as JSON.
 */
const common = `
local prefix = KEYS[1]
local slots, keys, goals, tenants = prefix .. 'slots', prefix .. 'keys', prefix .. 'goals', prefix .. 'tenants'
local heads, takings = prefix .. 'heads', prefix .. 'takings'
local meta, due, changed = prefix .. 'meta', prefix .. 'due', prefix .. 'changed'

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- version, pool, shelf, due, goal, running, tenant, key, hard end, end
local function headOf(id)
  local head = redis.call('HGET', heads, id)
  return head and cmsgpack.unpack(head)
end

-- a record and, on a second line, its taking
local function cellOf(id)
  local record, taking = redis.call('HGET', slots, id), redis.call('HGET', takings, id)
  return record and (taking and record .. '\\n' .. taking or record)
end

local function leave(hash, name, by)
  if name ~= '' and redis.call('HINCRBY', hash, name, -by) <= 0 then redis.call('HDEL', hash, name) end
end

local function drop(id, f)
  redis.call('HDEL', slots, id)
  redis.call('HDEL', heads, id)
  redis.call('HDEL', takings, id)
  redis.call('SREM', prefix .. 'pool:' .. f[2], id)
  redis.call('ZREM', due, id)
  if f[3] ~= '' then redis.call('ZREM', prefix .. 'shelf:' .. f[3], id) end
  leave(goals, f[5], 1)
  if f[6] == 1 then redis.call('HINCRBY', meta, 'running', -1) end
  leave(tenants, f[7], 1)
  if f[8] ~= '' then redis.call('HDEL', keys, f[8]) end
end

local function put(id, record, f)
  redis.call('HSET', slots, id, record)
  redis.call('HSET', heads, id, cmsgpack.pack(f))
  redis.call('SADD', prefix .. 'pool:' .. f[2], id)
  redis.call('ZADD', due, f[4], id)
  if f[5] ~= '' then redis.call('HINCRBY', goals, f[5], 1) end
  if f[6] == 1 then redis.call('HINCRBY', meta, 'running', 1) end
  if f[7] ~= '' then redis.call('HINCRBY', tenants, f[7], 1) end
  if f[8] ~= '' then redis.call('HSET', keys, f[8], '=' .. id) end
  if f[3] ~= '' then
    redis.call('ZADD', prefix .. 'shelf:' .. f[3], redis.call('HINCRBY', meta, 'order', 1), id)
    redis.call('PUBLISH', changed, '+' .. f[2])
  end
end

-- what the value of a claim key says: its slot, or the hold on it
local function boundTo(value)
  if not value then return nil, nil end
  if string.sub(value, 1, 1) == '=' then return string.sub(value, 2), nil end
  return nil, cjson.decode(value)
end

local function mayBind(id, key, claimId)
  if key == '' then return true end
  local bound, hold = boundTo(redis.call('HGET', keys, key))
  if bound then return bound == id end
  return not hold or hold[1] == claimId or hold[4] <= now()
end

local function cellsOf(ids)
  local found = {}
  -- a list that is handed on as arguments must fit on the stack
  for first = 1, #ids, 1000 do
    local part = { unpack(ids, first, math.min(first + 999, #ids)) }
    local records, changes = redis.call('HMGET', slots, unpack(part)), redis.call('HMGET', takings, unpack(part))
    for index, record in ipairs(records) do
      local taking = changes[index]
      if record then found[#found + 1] = taking and record .. '\\n' .. taking or record end
    end
  end
  return found
end
`;

/** Each script with the number of its keys, which is one: the prefix. */
export const redisScripts = {
  /**
   * new id, id of this run of Redis → id and start. Another run may have begun with less than was acknowledged. The id lies
   * with the slots: when they are gone, so is it, and what else is left of them goes too.
   */
  ledgerEpoch: `${common}
local id = redis.call('HGET', slots, '')
if not id then
  if redis.call('HLEN', slots) == 0 then
    for _, key in ipairs(redis.call('KEYS', (string.gsub(prefix, '[%*%?%[%]\\\\]', '\\\\%0')) .. '*')) do
      if key ~= prefix .. 'links' then redis.call('DEL', key) end
    end
  end
  id = ARGV[1]
  redis.call('HSET', slots, '', id)
end
local run = cjson.encode({ id, ARGV[2] })
local started = redis.call('HGET', meta, 'run')
if not started or cjson.decode(started)[1] ~= run then
  started = cjson.encode({ run, now() })
  redis.call('HSET', meta, 'run', started)
end
return started`,

  /** id, head, json, max, goal limit or -1, running limit, rate per second, burst, leave → {kind, value, running} */
  ledgerReserve: `${common}
local id, f = ARGV[1], cjson.decode(ARGV[2])
local present = cellOf(id)
if present then return { 'exists', present } end
local running = tonumber(redis.call('HGET', meta, 'running') or 0)
if redis.call('SCARD', prefix .. 'pool:' .. f[2]) >= tonumber(ARGV[4]) then return { 'full', 'max', tostring(running) } end
local goal = tonumber(ARGV[5])
if goal >= 0 and tonumber(redis.call('HGET', goals, f[5]) or 0) >= goal then return { 'full', 'goal', tostring(running) } end
if running >= tonumber(ARGV[6]) then return { 'full', 'running', tostring(running) } end
local perSecond, burst = tonumber(ARGV[7]), tonumber(ARGV[8])
local needed = 1 + math.min(tonumber(ARGV[9]), burst - 1)
local at, tokens = now(), burst
local bucket = redis.call('HGET', meta, 'bucket')
if bucket then
  local last = cjson.decode(bucket)
  tokens = math.min(burst, last[1] + math.max(0, at - last[2]) / 1000 * perSecond)
end
if tokens + 0.000001 < needed then
  redis.call('HSET', meta, 'bucket', cjson.encode({ tokens, at }))
  return { 'wait', tostring(math.ceil((needed - tokens) / perSecond * 1000)) }
end
redis.call('HSET', meta, 'bucket', cjson.encode({ tokens - 1, at }))
put(id, ARGV[3], f)
return { 'reserved', tostring(running + 1) }`,

  /** id, expected version, head, json, claim id → 1 or 0. A repetition of a write that came through is 1 too. */
  ledgerWrite: `${common}
local id, f = ARGV[1], cjson.decode(ARGV[3])
local present = headOf(id)
if not present then return 0 end
if present[1] ~= tonumber(ARGV[2]) then return cellOf(id) == ARGV[4] and 1 or 0 end
if not mayBind(id, f[8], ARGV[5]) then return 0 end
drop(id, present)
put(id, ARGV[4], f)
return 1`,

  /** id, expected version → 1 or 0 */
  ledgerRemove: `${common}
local present = headOf(ARGV[1])
if not present or present[1] ~= tonumber(ARGV[2]) then return 0 end
drop(ARGV[1], present)
redis.call('PUBLISH', changed, '+' .. present[2])
return 1`,

  /** id, head, json, claim id → 1 or 0 */
  ledgerRestore: `${common}
local f = cjson.decode(ARGV[2])
local present = headOf(ARGV[1])
if present and present[1] >= f[1] or not mayBind(ARGV[1], f[8], ARGV[4]) then return 0 end
if present then drop(ARGV[1], present) end
put(ARGV[1], ARGV[3], f)
return 1`,

  /** key → cell or nil */
  ledgerFind: `${common}
local id = boundTo(redis.call('HGET', keys, ARGV[1]))
return id and cellOf(id)`,

  /** See `redis-take-script.ts`. */
  ledgerTake: `${common}${takeScript}`,

  /** key, claim id */
  ledgerUnhold: `${common}
local _, hold = boundTo(redis.call('HGET', keys, ARGV[1]))
if hold and hold[1] == ARGV[2] then redis.call('HDEL', keys, ARGV[1]) end
return 1`,

  /** id → cell or nil */
  ledgerRead: `${common}
return cellOf(ARGV[1])`,

  /** cursor → next cursor, cells */
  ledgerScan: `${common}
local scanned = redis.call('HSCAN', heads, ARGV[1], 'COUNT', 500)
local ids = {}
for index = 1, #scanned[2], 2 do ids[#ids + 1] = scanned[2][index] end
return { scanned[1], cellsOf(ids) }`,

  /** pool → cells */
  ledgerView: `${common}
return cellsOf(redis.call('SMEMBERS', prefix .. 'pool:' .. ARGV[1]))`,

  /** before, limit → cells */
  ledgerDue: `${common}
return cellsOf(redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2]))`,

  /** spec, json → json of the link that is kept */
  ledgerSaveLink: `${common}
redis.call('HSETNX', prefix .. 'links', ARGV[1], ARGV[2])
return redis.call('HGET', prefix .. 'links', ARGV[1])`,

  /** spec, snapshot id → 1 or 0 */
  ledgerDropLink: `${common}
local json = redis.call('HGET', prefix .. 'links', ARGV[1])
if not json or cjson.decode(json).snapshotId ~= ARGV[2] then return 0 end
return redis.call('HDEL', prefix .. 'links', ARGV[1])`,
} as const;
