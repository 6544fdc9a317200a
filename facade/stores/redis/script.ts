/**
 * The scripts that run in Redis. Each is one transaction: nobody sees half of it, and it is in the append-only file as a
 * whole or not at all.
 *
 * What may fail must fail before the first write, because Redis takes nothing back: what a script has done before an error
 * stays done. After its first write Redis lets a script write on, whatever memory and disk say. So the fence is written
 * first, and what comes after cannot fail. A hash that is no hash shows when it is read: that is the failure of the
 * operation, which has then done nothing.
 */
import { createHash } from 'node:crypto';
import { RECORD_LIMIT } from '../core/StoreBackend';

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/**
 * Applies a batch: reads all that it touches, carries the operations out on what was read, and writes what they have
 * changed. What costs a script most are calls of Redis, arguments, and a result of many tables: there are few of each.
 *
 * KEYS: the entries; the fence; the records, by operation ids; these ids, in the order of the records.
 * ARGV: a list as JSON, and the bytes that it speaks of. The list has whether the batch is fenced, epoch, and term; then for
 * each operation its kind, index, id, number of keys, their lengths, number of values, their lengths.
 *
 * Gives such a list of numbers, and the bytes. For each operation there are a status, whether it was recorded before (1,
 * else 0), the number of parts, and their lengths, -1 for nothing. The parts are
 *   1, done: what was found, by the positions of the keys, and nothing for what was not there
 *   0, failed: a text
 *   2, refused: the code, and epoch, term and index of the fence
 */
export const applyScript = script(`
local entries, fenceKey, records, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local list, bytes = cjson.decode(ARGV[1]), ARGV[2]
local fenced, epoch, term = list[1], list[2], list[3]
-- Lua cannot pass any number of arguments.
local PART = 1000

local sub = string.sub
local function whole(number) return string.format('%.0f', number) end

local next, at = 4, 1
local function take()
  local parts = {}
  for i = 1, list[next] do
    local after = at + list[next + i]
    parts[i] = sub(bytes, at, after - 1)
    at = after
  end
  next = next + 1 + list[next]
  return parts
end

local operations = {}
while next <= #list do
  local operation = { kind = list[next], index = list[next + 1], id = list[next + 2] }
  next = next + 3
  operation.keys = take()
  operation.values = take()
  operations[#operations + 1] = operation
end

local function inParts(list, act)
  for first = 1, #list, PART do act(unpack(list, first, math.min(first + PART - 1, #list))) end
end

local function readFields(key, fields)
  if #fields <= PART and #fields > 0 then return redis.call('HMGET', key, unpack(fields)) end
  local found = {}
  inParts(fields, function(...)
    local part = redis.call('HMGET', key, ...)
    for i = 1, #part do found[#found + 1] = part[i] end
  end)
  return found
end

local function writeFields(key, fieldsAndValues)
  inParts(fieldsAndValues, function(...) redis.call('HSET', key, ...) end)
end

-- The entries that are touched: false stands for nothing. Why they cannot be read, if they cannot.
local now, unreadable = {}, nil
local cleared = false
local changed, isChanged = {}, {}

local function read(known)
  local fields, seen = {}, {}
  for i = 1, #operations do
    local keys = operations[i].keys
    for j = 1, known[i] and 0 or #keys do
      local key = keys[j]
      if not seen[key] then
        seen[key] = true
        fields[#fields + 1] = key
      end
    end
  end
  local ok, found = pcall(readFields, entries, fields)
  if ok then
    for i = 1, #fields do now[fields[i]] = found[i] end
  else
    unreadable = type(found) == 'table' and found.err or tostring(found)
  end
end

local function put(key, value)
  now[key] = value
  if not isChanged[key] then
    isChanged[key] = true
    changed[#changed + 1] = key
  end
end

local function write()
  if cleared then redis.call('UNLINK', entries) end
  local written, removed = {}, {}
  for i = 1, #changed do
    local key = changed[i]
    local value = now[key]
    if value then
      written[#written + 1] = key
      written[#written + 1] = value
    elseif not cleared then
      removed[#removed + 1] = key
    end
  end
  writeFields(entries, written)
  inParts(removed, function(...) redis.call('HDEL', entries, ...) end)
end

local act = {}

function act.set(keys, values)
  local found = {}
  for i = 1, #keys do
    found[i] = now[keys[i]] or false
    put(keys[i], values[i])
  end
  return found
end

function act.insert(keys, values)
  local found = {}
  for i = 1, #keys do
    found[i] = now[keys[i]] or false
    if not found[i] then put(keys[i], values[i]) end
  end
  return found
end

function act.remove(keys)
  local found = {}
  for i = 1, #keys do
    found[i] = now[keys[i]] or false
    if found[i] then put(keys[i], false) end
  end
  return found
end

function act.updateIf(keys, values)
  if now[keys[1]] ~= values[2] then return { false } end
  put(keys[1], values[1])
  return { 'updated' }
end

function act.clear()
  cleared, unreadable = true, nil
  now, changed, isChanged = {}, {}, {}
  return {}
end

-- A status and its parts: this is what is recorded.
local function carryOut(operation)
  if operation.kind == 'fail' then return { 0, operation.values } end
  if unreadable and operation.kind ~= 'clear' then return { 0, { unreadable } } end
  return { 1, act[operation.kind](operation.keys, operation.values) }
end

local numbers, told, parts = {}, 0, {}

local function reply(status, recorded, found)
  numbers[told + 1], numbers[told + 2], numbers[told + 3] = status, recorded, #found
  told = told + 3
  for i = 1, #found do
    local part = found[i]
    if part then parts[#parts + 1] = part end
    told = told + 1
    numbers[told] = part and #part or -1
  end
end

local function replies() return { cjson.encode(numbers), table.concat(parts) } end

if not fenced then
  read({})
  for i = 1, #operations do
    local result = carryOut(operations[i])
    reply(result[1], 0, result[2])
  end
  write()
  return replies()
end

local fence = redis.call('HMGET', fenceKey, 'epoch', 'term', 'index')
for i = 1, 3 do fence[i] = fence[i] or '-1' end

local function refuseFrom(first, code)
  for _ = first, #operations do reply(2, 0, { code, fence[1], fence[2], fence[3] }) end
end

local lastEpoch, lastTerm = tonumber(fence[1]), tonumber(fence[2])
if epoch < lastEpoch or (epoch == lastEpoch and term < lastTerm) then
  refuseFrom(1, 'STALE_EPOCH')
  return replies()
end

local ids = {}
for i = 1, #operations do ids[i] = operations[i].id end
local known = readFields(records, ids)

-- Indexes start again in each epoch.
local lastIndex = tonumber(fence[3])
if epoch > lastEpoch then lastIndex = -1 end
local accepted = #operations
for i = 1, #operations do
  local index = operations[i].index
  if not known[i] and index < lastIndex then
    accepted = i - 1
    break
  end
  if index > lastIndex then lastIndex = index end
end

if accepted > 0 then
  read(known)
  redis.call('HSET', fenceKey, 'epoch', whole(epoch), 'term', whole(term), 'index', whole(lastIndex))
end

local newIds, newRecords = {}, {}
for i = 1, accepted do
  local result
  if known[i] then
    result = cmsgpack.unpack(known[i])
  else
    result = carryOut(operations[i])
    newIds[#newIds + 1] = ids[i]
    newRecords[#newRecords + 1] = ids[i]
    newRecords[#newRecords + 1] = cmsgpack.pack(result)
  end
  reply(result[1], known[i] and 1 or 0, result[2])
end
fence[3] = whole(lastIndex)
refuseFrom(accepted + 1, 'STALE_INDEX')
write()

if #newIds > 0 then
  writeFields(records, newRecords)
  inParts(newIds, function(...) redis.call('RPUSH', order, ...) end)
  local tooMany = redis.call('LLEN', order) - ${RECORD_LIMIT}
  if tooMany > 0 then
    inParts(redis.call('LRANGE', order, 0, tooMany - 1), function(...) redis.call('HDEL', records, ...) end)
    redis.call('LTRIM', order, tooMany, -1)
  end
end

return replies()
`);

/** KEYS: the fence; the epochs by grid ids. ARGV: a grid id. Gives its epoch. */
export const acquireScript = script(`
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return tonumber(known) end

local seen = redis.call('HMGET', KEYS[1], 'acquired', 'epoch')
local epoch = math.max(tonumber(seen[1] or 0), tonumber(seen[2] or 0)) + 1
local text = string.format('%.0f', epoch)

redis.call('HSET', KEYS[1], 'acquired', text)
redis.call('HSET', KEYS[2], ARGV[1], text)
return epoch
`);

function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}
