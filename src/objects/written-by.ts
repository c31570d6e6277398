import { changedFields } from './changed-fields.ts';
import { at, isList, isObject, parseJson, textOf, type Json, type JsonObject } from './json.ts';

/**
 * The field manager that all fields which are not as `before` belong to: who sets a field has it alone. Where that says nothing, the one whose entry in managedFields was written since, or has fields
 * that it did not have; of several the one with the newest time. One that only lost fields has lost them to whoever wrote. Undefined where it cannot be told: times have seconds, so that two writes in
 * one may leave no trace, and `kubectl scale` notes none.
 */
export function writtenBy(object: JsonObject | undefined, before: JsonObject | undefined): string | undefined {
  const owners = before ? ownersOfChange(object, before) : [];
  if (owners.length === 1) return owners[0];
  const [old, all] = [new Map(entriesOf(before).map((entry) => [writeOf(entry), entry])), entriesOf(object)];
  const fresh = all.filter((entry) => !old.has(writeOf(entry)) || hasMore(entry['fieldsV1'], old.get(writeOf(entry))!['fieldsV1']));
  if (fresh.length > 0) return newest(fresh)[0];
  const managers = all.some(({ time }) => time === undefined) ? [] : newest(all);
  return managers.length === 1 ? managers[0] : undefined;
}

function ownersOfChange(object: JsonObject | undefined, before: JsonObject): readonly string[] {
  return [...new Set(entriesOf(object).filter(({ fieldsV1 }) => isObject(fieldsV1) && Object.keys(fieldsV1).length > 0 && ownsChange(fieldsV1, object, before)).map(({ manager }) => textOf(manager)))];
}

function ownsChange(fields: Json | undefined, now: Json | undefined, then: Json | undefined): boolean {
  if (!isObject(fields)) return false;
  const below = Object.entries(fields).filter(([name]) => name !== '.');
  if (below.length > 0) return below.some(([name, inner]) => ownsChange(inner, partOf(now, name), partOf(then, name)));
  // With a dot that it is there is what belongs to it, and not what is in it.
  return '.' in fields ? (now === undefined) !== (then === undefined) : changedFields(then, now).length > 0;
}

/** What a name in managedFields speaks of: `f:` a field, `k:` an item of a list by its keys, `v:` one by its value, `i:` one by its place. */
function partOf(value: Json | undefined, name: string): Json | undefined {
  const [kind, rest] = [name.slice(0, 2), name.slice(2)];
  if (kind === 'f:') return at(value, rest);
  if (!isList(value)) return undefined;
  if (kind === 'i:') return value[Number(rest)];
  const wanted = parseJson(rest);
  return value.find((one) => (kind === 'k:' && isObject(wanted) ? Object.entries(wanted).every(([key, part]) => at(one, key) === part) : one === wanted));
}

/** Whether there is a field that the other one does not have. */
function hasMore(fields: Json | undefined, others: Json | undefined): boolean {
  if (!isObject(fields)) return false;
  return Object.entries(fields).some(([name, below]) => !isObject(others) || !(name in others) || hasMore(below, others[name]));
}

function entriesOf(object: JsonObject | undefined): readonly JsonObject[] {
  const found = at(object, 'metadata', 'managedFields');
  return isList(found) ? found.filter(isObject) : [];
}

function writeOf({ manager, operation, apiVersion, subresource, time }: JsonObject): string {
  return JSON.stringify([manager, operation, apiVersion, subresource, time]);
}

/** Managers of the newest time, each once. */
function newest(entries: readonly JsonObject[]): readonly string[] {
  const times = entries.map(({ time }) => textOf(time)).toSorted();
  return [...new Set(entries.filter(({ time }) => textOf(time) === times.at(-1)).map(({ manager }) => textOf(manager)))].filter((name) => name !== '');
}
