import { at, isList, isObject, textOf, type Json, type JsonObject } from './json.ts';

/**
 * The field manager whose entry in managedFields was written since `before`, or has fields that it did not have; of several the one with the newest time. One that only lost fields has lost them to
 * whoever wrote. Undefined where it cannot be told: times have seconds, so that two writes in one may leave no trace, and `kubectl scale` leaves none after its first.
 */
export function writtenBy(object: JsonObject | undefined, before: JsonObject | undefined): string | undefined {
  const [old, all] = [new Map(entriesOf(before).map((entry) => [writeOf(entry), entry])), entriesOf(object)];
  const fresh = all.filter((entry) => !old.has(writeOf(entry)) || hasMore(entry['fieldsV1'], old.get(writeOf(entry))!['fieldsV1']));
  if (fresh.length > 0) return newest(fresh)[0];
  const managers = all.some(({ time }) => time === undefined) ? [] : newest(all);
  return managers.length === 1 ? managers[0] : undefined;
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
