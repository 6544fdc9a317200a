/**
 * The scripts that run in Redis. Each is one transaction: nobody sees half of it, and it is in the append-only file as a
 * whole or not at all.
 *
 * What may fail must fail before the first write, because Redis takes nothing back: what a script has done before an error
 * stays done. After its first write Redis lets a script write on, whatever memory and disk say. So the fence is written
 * first, and what comes after cannot fail, but for a hash that is no hash: that is the failure of the operation, which
 * has then done nothing.
 */
import { createHash } from 'node:crypto';
import { RECORD_LIMIT } from '../core/StoreBackend';

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

/**
 * Applies a batch.
 *
 * KEYS: the entries; the fence; the records, by operation ids; these ids, in the order of the records.
 * ARGV: number of operations, whether they are fenced, epoch, term; then for each operation its kind, index, id, number of
 * keys, number of values, the keys, the values.
 *
 * Gives for each operation a status, whether it was recorded before, and
 *   1, done: what was found, by the positions of the keys, and nothing for what was not there
 *   0, failed: a text
 *   2, refused: the code, and epoch, term and index of the fence
 */
export const applyScript = script(`
local entries, fenceKey, records, order = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, term = tonumber(ARGV[3]), tonumber(ARGV[4])
-- Lua cannot pass any number of arguments.
local PART = 1000

local at = 4
local function take()
  at = at + 1
  return ARGV[at]
end
local function takeAll(count)
  local list = {}
  for i = 1, count do list[i] = take() end
  return list
end

local operations = {}
for i = 1, tonumber(ARGV[1]) do
  local operation = {}
  operation.kind = take()
  operation.indexText = take()
  operation.index = tonumber(operation.indexText)
  operation.id = take()
  local keys, values = tonumber(take()), tonumber(take())
  operation.keys = takeAll(keys)
  operation.values = takeAll(values)
  operations[i] = operation
end

local function inParts(list, act)
  for first = 1, #list, PART do act(unpack(list, first, math.min(first + PART - 1, #list))) end
end

local function readFields(key, fields)
  if #fields <= PART and #fields > 0 then return redis.call('HMGET', key, unpack(fields)) end
  local found = {}
  inParts(fields, function(...)
    for _, value in ipairs(redis.call('HMGET', key, ...)) do found[#found + 1] = value end
  end)
  return found
end

local function writeFields(key, fieldsAndValues)
  inParts(fieldsAndValues, function(...) redis.call('HSET', key, ...) end)
end

local act = {}

function act.set(keys, values)
  local found = readFields(entries, keys)
  local written = {}
  for i, key in ipairs(keys) do
    written[#written + 1] = key
    written[#written + 1] = values[i]
  end
  writeFields(entries, written)
  return found
end

function act.insert(keys, values)
  local found = readFields(entries, keys)
  local written = {}
  for i, key in ipairs(keys) do
    if not found[i] then
      written[#written + 1] = key
      written[#written + 1] = values[i]
    end
  end
  writeFields(entries, written)
  return found
end

function act.remove(keys)
  local found = readFields(entries, keys)
  inParts(keys, function(...) redis.call('HDEL', entries, ...) end)
  return found
end

function act.updateIf(keys, values)
  if redis.call('HGET', entries, keys[1]) ~= values[2] then return { false } end
  redis.call('HSET', entries, keys[1], values[1])
  return { 'updated' }
end

function act.clear()
  redis.call('UNLINK', entries)
  return {}
end

-- A status and what belongs to it: this is what is recorded.
local function carryOut(operation)
  if operation.kind == 'fail' then return { 0, operation.values[1] } end
  local ok, found = pcall(act[operation.kind], operation.keys, operation.values)
  if ok then return { 1, found } end
  return { 0, type(found) == 'table' and found.err or tostring(found) }
end

local replies = {}

if ARGV[2] ~= '1' then
  for i, operation in ipairs(operations) do
    local result = carryOut(operation)
    replies[i] = { result[1], 0, result[2] }
  end
  return replies
end

local fence = redis.call('HMGET', fenceKey, 'epoch', 'term', 'index')
for i = 1, 3 do fence[i] = fence[i] or '-1' end

local function refuseFrom(first, code)
  for i = first, #operations do replies[i] = { 2, 0, code, fence[1], fence[2], fence[3] } end
end

local lastEpoch, lastTerm = tonumber(fence[1]), tonumber(fence[2])
if epoch < lastEpoch or (epoch == lastEpoch and term < lastTerm) then
  refuseFrom(1, 'STALE_EPOCH')
  return replies
end

local ids = {}
for i, operation in ipairs(operations) do ids[i] = operation.id end
local known = readFields(records, ids)

-- Indexes start again in each epoch.
local lastIndex, lastIndexText = tonumber(fence[3]), fence[3]
if epoch > lastEpoch then lastIndex = -1 end
local accepted = #operations
for i, operation in ipairs(operations) do
  if not known[i] and operation.index < lastIndex then
    fence[3] = lastIndexText
    refuseFrom(i, 'STALE_INDEX')
    accepted = i - 1
    break
  end
  if operation.index > lastIndex then lastIndex, lastIndexText = operation.index, operation.indexText end
end
if accepted == 0 then return replies end

redis.call('HSET', fenceKey, 'epoch', ARGV[3], 'term', ARGV[4], 'index', lastIndexText)

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
  replies[i] = { result[1], known[i] and 1 or 0, result[2] }
end

if #newIds > 0 then
  writeFields(records, newRecords)
  inParts(newIds, function(...) redis.call('RPUSH', order, ...) end)
  local tooMany = redis.call('LLEN', order) - ${RECORD_LIMIT}
  if tooMany > 0 then
    inParts(redis.call('LRANGE', order, 0, tooMany - 1), function(...) redis.call('HDEL', records, ...) end)
    redis.call('LTRIM', order, tooMany, -1)
  end
end

return replies
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
