/**
 * The atomic steps of the Redis ledger. KEYS[1] is the common prefix; every key of a fleet carries the same hash tag.
 *
 * A slot is kept twice: as the JSON the engine wrote, and as the few fields it is found and counted by. The fields are
 * made by the engine, so that no rule of the engine is written down here a second time.
 */
const common = `
local prefix = KEYS[1]
local slots, fields = prefix .. 'slots', prefix .. 'fields'
local keys, holds = prefix .. 'keys', prefix .. 'holds'
local goals, tenants, meta = prefix .. 'goals', prefix .. 'tenants', prefix .. 'meta'
local due = prefix .. 'due'

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- fields: version, pool, shelf, due, goal, running, tenant, key, hard end, end
local function fieldsOf(id)
  local text = redis.call('HGET', fields, id)
  return text and cjson.decode(text)
end

local function drop(id, f)
  redis.call('HDEL', slots, id)
  redis.call('HDEL', fields, id)
  redis.call('SREM', prefix .. 'pool:' .. f[2], id)
  redis.call('ZREM', due, id)
  if f[3] ~= '' then redis.call('ZREM', prefix .. 'shelf:' .. f[3], id) end
  if f[5] ~= '' and redis.call('HINCRBY', goals, f[5], -1) <= 0 then redis.call('HDEL', goals, f[5]) end
  if f[6] == 1 then redis.call('HINCRBY', meta, 'running', -1) end
  if f[7] ~= '' and redis.call('HINCRBY', tenants, f[7], -1) <= 0 then redis.call('HDEL', tenants, f[7]) end
  if f[8] ~= '' then redis.call('HDEL', keys, f[8]) end
end

local function put(id, json, f)
  redis.call('HSET', slots, id, json)
  redis.call('HSET', fields, id, cjson.encode(f))
  redis.call('SADD', prefix .. 'pool:' .. f[2], id)
  redis.call('ZADD', due, f[4], id)
  if f[5] ~= '' then redis.call('HINCRBY', goals, f[5], 1) end
  if f[6] == 1 then redis.call('HINCRBY', meta, 'running', 1) end
  if f[7] ~= '' then redis.call('HINCRBY', tenants, f[7], 1) end
  if f[8] ~= '' then
    redis.call('HSET', keys, f[8], id)
    redis.call('HDEL', holds, f[8])
  end
  if f[3] ~= '' then
    redis.call('ZADD', prefix .. 'shelf:' .. f[3], redis.call('HINCRBY', meta, 'order', 1), id)
    redis.call('PUBLISH', prefix .. 'changed', f[2])
  end
end

local function mayBind(id, key, claimId)
  if key == '' then return true end
  local bound = redis.call('HGET', keys, key)
  if bound then return bound == id end
  local held = redis.call('HGET', holds, key)
  if not held then return true end
  local hold = cjson.decode(held)
  return hold[1] == claimId or hold[4] <= now()
end
`;

/** Each script with the number of its keys, which is one: the prefix. */
export const redisScripts = {
  /** → epoch as JSON */
  ledgerEpoch: `${common}
redis.call('HSETNX', meta, 'epoch', cjson.encode({ id = ARGV[1], startedAtMs = now() }))
return redis.call('HGET', meta, 'epoch')`,

  /** id, json, fields, max, goal limit or -1, running limit, rate per second, burst, leave → {kind, value, running} */
  ledgerReserve: `${common}
local id, json, f = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
local present = redis.call('HGET', slots, id)
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
put(id, json, f)
return { 'reserved', tostring(running + 1) }`,

  /** id, expected version, json, fields, claim id → 1 or 0. A repetition of a write that came through is 1 too. */
  ledgerWrite: `${common}
local id, f = ARGV[1], cjson.decode(ARGV[4])
local present = fieldsOf(id)
if not present then return 0 end
if present[1] ~= tonumber(ARGV[2]) then
  return redis.call('HGET', slots, id) == ARGV[3] and 1 or 0
end
if not mayBind(id, f[8], ARGV[5]) then return 0 end
drop(id, present)
put(id, ARGV[3], f)
return 1`,

  /** id, expected version → 1 or 0 */
  ledgerRemove: `${common}
local present = fieldsOf(ARGV[1])
if not present or present[1] ~= tonumber(ARGV[2]) then return 0 end
drop(ARGV[1], present)
redis.call('PUBLISH', prefix .. 'changed', present[2])
return 1`,

  /** id, json, fields, claim id → 1 or 0 */
  ledgerRestore: `${common}
local f = cjson.decode(ARGV[3])
if redis.call('HEXISTS', slots, ARGV[1]) == 1 or not mayBind(ARGV[1], f[8], ARGV[4]) then return 0 end
put(ARGV[1], ARGV[2], f)
return 1`,

  /** key → json or nil */
  ledgerFind: `${common}
local id = redis.call('HGET', keys, ARGV[1])
return id and redis.call('HGET', slots, id)`,

  /**
   * claim key, claim id, spec, runtime, tenant, tenant limit, hold until or 0, earliest hard end, earliest end, due,
   * fields of the claimed slot, tail of its JSON, shelves… → {kind, value, from}
   */
  ledgerTake: `${common}
local key, claimId, spec, runtime, tenant = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local bound = redis.call('HGET', keys, key)
if bound then return { 'bound', redis.call('HGET', slots, bound) } end
local held = redis.call('HGET', holds, key)
if held then
  local hold = cjson.decode(held)
  if hold[2] ~= spec or hold[3] ~= runtime then return { 'conflict', hold[3] } end
  if hold[1] ~= claimId and hold[4] > now() then return { 'held', string.format('%.0f', hold[4]) } end
end
local claims = tonumber(redis.call('HGET', tenants, tenant) or 0)
if claims >= tonumber(ARGV[6]) then return { 'tenant_full', tostring(claims) } end
local hardEnd, endsAt, batch, passed = tonumber(ARGV[8]), tonumber(ARGV[9]), 8, 0
for index = 12, #ARGV do
  local shelf, skip = prefix .. 'shelf:' .. ARGV[index], 0
  while true do
    local found = redis.call('ZRANGE', shelf, skip, skip + batch - 1)
    for _, id in ipairs(found) do
      local f = fieldsOf(id)
      if f[9] < hardEnd or (f[10] >= 0 and f[10] < endsAt) then
        passed = passed + 1
      else
        local record = cjson.decode(redis.call('HGET', slots, id))
        local from = record.state.name
        local claim = cjson.decode(ARGV[11])
        claim.state.place = record.state.place
        claim.state.endsAtMs = from == 'hot' and record.state.endsAtMs or record.hardEndsAtMs
        record.state, record.owner, record.dueAtMs = claim.state, claim.owner, tonumber(ARGV[10])
        record.version = record.version + 1
        local json = cjson.encode(record)
        -- What drop and put would do, less what stays as it is: this is the hot path.
        redis.call('HSET', slots, id, json)
        redis.call('HSET', fields, id, cjson.encode({ record.version, f[2], '', record.dueAtMs, '', 1, tenant, key, f[9], -1 }))
        redis.call('ZREM', shelf, id)
        redis.call('ZADD', due, ARGV[10], id)
        redis.call('HSET', keys, key, id)
        redis.call('HINCRBY', tenants, tenant, 1)
        if f[5] ~= '' and redis.call('HINCRBY', goals, f[5], -1) <= 0 then redis.call('HDEL', goals, f[5]) end
        if f[6] == 0 then redis.call('HINCRBY', meta, 'running', 1) end
        if held then redis.call('HDEL', holds, key) end
        return { 'taken', json, from }
      end
    end
    if #found < batch then break end
    skip = skip + batch
  end
end
if ARGV[7] ~= '0' then redis.call('HSET', holds, key, cjson.encode({ claimId, spec, runtime, tonumber(ARGV[7]) })) end
return { 'empty', tostring(passed) }`,

  /** key, claim id */
  ledgerUnhold: `${common}
local held = redis.call('HGET', holds, ARGV[1])
if held and cjson.decode(held)[1] == ARGV[2] then redis.call('HDEL', holds, ARGV[1]) end
return 1`,

  /** pool → json… */
  ledgerView: `${common}
local ids = redis.call('SMEMBERS', prefix .. 'pool:' .. ARGV[1])
local found = {}
for first = 1, #ids, 1000 do
  local part = redis.call('HMGET', slots, unpack(ids, first, math.min(first + 999, #ids)))
  for _, json in ipairs(part) do found[#found + 1] = json end
end
return found`,

  /** before, limit → json… */
  ledgerDue: `${common}
local ids = redis.call('ZRANGEBYSCORE', due, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #ids == 0 then return {} end
return redis.call('HMGET', slots, unpack(ids))`,

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
