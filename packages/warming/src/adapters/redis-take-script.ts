/**
 * Takes slots for many claims at once, each as if it were alone. This is the hot path: what the claims need is read together,
 * decided on tables, and written together, so that the number of commands does not grow with that of the claims.
 *
 * Arguments: who takes, the number of claims, then for each the number of its values and the values: claim key, claim id, spec,
 * runtime, tenant, tenant limit or nothing, hold until or 0, earliest hard end, earliest end, due, line of the claim, shelves…
 * → {kind, value}…
 */
export const takeScript = `
local count = tonumber(ARGV[2])
local asked, bindings = {}, {}
local at = 3
for index = 1, count do
  asked[index] = at
  at = at + 1 + tonumber(ARGV[at])
end
for first = 1, count, 1000 do
  local wanted = {}
  for index = first, math.min(first + 999, count) do wanted[#wanted + 1] = ARGV[asked[index] + 1] end
  for index, value in ipairs(redis.call('HMGET', keys, unpack(wanted))) do bindings[wanted[index]] = value end
end

-- what is to be written at the end
local taken, headWrites, takingWrites, keyWrites, dueWrites = {}, {}, {}, {}, {}
local pools, tenantsAdded, goalsLeft, running = {}, {}, {}, 0
local shelves = {}

local function add(to, name, by)
  if name ~= '' then to[name] = (to[name] or 0) + by end
end

-- the next slots of a shelf; nothing leaves a shelf before the end, so that positions stay
local function more(shelf)
  local size = count + 1
  local ids = redis.call('ZRANGE', shelf.name, shelf.read, shelf.read + size - 1)
  shelf.read = shelf.read + #ids
  shelf.over = #ids < size
  if #ids == 0 then return end
  local found, records = redis.call('HMGET', heads, unpack(ids)), redis.call('HMGET', slots, unpack(ids))
  for index, id in ipairs(ids) do
    local head, record = found[index], records[index]
    if head and record then shelf.slots[#shelf.slots + 1] = { id = id, head = cmsgpack.unpack(head), record = record }
    else shelf.gone[#shelf.gone + 1] = id end
  end
end

local function shelfOf(name)
  if not shelves[name] then
    shelves[name] = { name = prefix .. 'shelf:' .. name, slots = {}, gone = {}, first = 1, read = 0, over = false }
  end
  return shelves[name]
end

local function bind(key, value)
  bindings[key] = value
  keyWrites[key] = value
end

local function claimSlot(slot, shelf, first)
  local f, key, tenant, dueAt = slot.head, ARGV[first], ARGV[first + 4], ARGV[first + 9]
  slot.used = true
  shelf.gone[#shelf.gone + 1] = slot.id
  local head = { f[1] + 1, f[2], '', tonumber(dueAt), '', 1, tenant, key, f[9], -1 }
  taken[slot.id] = { slot.record, ARGV[first + 10] }
  headWrites[#headWrites + 1] = slot.id
  headWrites[#headWrites + 1] = cmsgpack.pack(head)
  takingWrites[#takingWrites + 1] = slot.id
  takingWrites[#takingWrites + 1] = ARGV[first + 10]
  dueWrites[#dueWrites + 1] = dueAt
  dueWrites[#dueWrites + 1] = slot.id
  bind(key, '=' .. slot.id)
  add(tenantsAdded, tenant, 1)
  add(goalsLeft, f[5], 1)
  if f[6] == 0 then running = running + 1 end
  pools[f[2]] = true
  return { 'taken', slot.record }
end

local function look(shelf, first, hardEnd, endsAt)
  local passed, index = 0, shelf.first
  while true do
    if index > #shelf.slots then
      if shelf.over then return nil, passed end
      more(shelf)
    end
    local slot = shelf.slots[index]
    if slot then
      if slot.used then
        if index == shelf.first then shelf.first = index + 1 end
      elseif slot.head[9] < hardEnd or (slot.head[10] >= 0 and slot.head[10] < endsAt) then
        passed = passed + 1
      else
        return claimSlot(slot, shelf, first), passed
      end
      index = index + 1
    end
  end
end

local function take(first, last)
  local key, spec, runtime, tenant = ARGV[first], ARGV[first + 2], ARGV[first + 3], ARGV[first + 4]
  local bound, hold = boundTo(bindings[key])
  if bound then
    local mine = taken[bound]
    local cell = mine and mine[1] .. '\\n' .. mine[2] or cellOf(bound)
    if cell then return { 'bound', cell } end
  elseif hold then
    if hold[2] ~= spec or hold[3] ~= runtime then return { 'conflict', hold[3] } end
    if hold[1] ~= ARGV[first + 1] and hold[4] > now() then return { 'held', string.format('%.0f', hold[4]) } end
  end
  if ARGV[first + 5] ~= '' then
    local claims = tonumber(redis.call('HGET', tenants, tenant) or 0) + (tenantsAdded[tenant] or 0)
    if claims >= tonumber(ARGV[first + 5]) then return { 'tenant_full', tostring(claims) } end
  end
  local hardEnd, endsAt, passed = tonumber(ARGV[first + 7]), tonumber(ARGV[first + 8]), 0
  for index = first + 11, last do
    local taken, unfit = look(shelfOf(ARGV[index]), first, hardEnd, endsAt)
    if taken then return taken end
    passed = passed + unfit
  end
  if ARGV[first + 6] ~= '0' then
    bind(key, cjson.encode({ ARGV[first + 1], spec, runtime, tonumber(ARGV[first + 6]) }))
  end
  return { 'empty', tostring(passed) }
end

local answers = {}
for index = 1, count do
  local first = asked[index] + 1
  local done, answer = pcall(take, first, first + tonumber(ARGV[first - 1]) - 1)
  answers[index] = done and answer or { 'error', type(answer) == 'table' and answer.err or tostring(answer) }
end

for _, shelf in pairs(shelves) do
  if #shelf.gone > 0 then redis.call('ZREM', shelf.name, unpack(shelf.gone)) end
end
if #headWrites > 0 then
  redis.call('HSET', heads, unpack(headWrites))
  redis.call('HSET', takings, unpack(takingWrites))
  redis.call('ZADD', due, unpack(dueWrites))
end
local pairsOfKeys = {}
for key, value in pairs(keyWrites) do
  pairsOfKeys[#pairsOfKeys + 1] = key
  pairsOfKeys[#pairsOfKeys + 1] = value
end
if #pairsOfKeys > 0 then redis.call('HSET', keys, unpack(pairsOfKeys)) end
for tenant, by in pairs(tenantsAdded) do redis.call('HINCRBY', tenants, tenant, by) end
for goal, by in pairs(goalsLeft) do leave(goals, goal, by) end
if running > 0 then redis.call('HINCRBY', meta, 'running', running) end
for pool in pairs(pools) do redis.call('PUBLISH', changed, '-' .. ARGV[1] .. ' ' .. pool) end
return answers`;
