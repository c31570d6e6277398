/** A value of JSON. Whole numbers beyond 2^53 are bigints, so that none is rounded. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** Throws a SyntaxError. */
export function parseJson(text: string): Json {
  // A reviver is asked for each value: only where there may be one that needs it.
  if (!/\d{16}/.test(text)) return JSON.parse(text) as Json;
  return JSON.parse(text, (_, value: unknown, { source }: { readonly source?: string } = {}) => (typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? BigInt(source!) : value)) as Json;
}

/** As kubectl prints it: keys in order, four blanks an indent. */
export function jsonText(value: Json): string {
  return JSON.stringify(printable(sorted(value)), undefined, 4);
}

/** What JSON.stringify writes without rounding a number. */
export function printable<T extends Json>(value: T): T {
  if (typeof value === 'bigint') return (JSON as unknown as { rawJSON(text: string): T }).rawJSON(String(value));
  if (isList(value)) return value.map((one) => printable(one)) as Json as T;
  return isObject(value) ? (Object.fromEntries(Object.entries(value).map(([key, one]) => [key, printable(one)])) as Json as T) : value;
}

/** The same with all keys in the order of their letters. */
export function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).toSorted().map((key) => [key, sorted(value[key]!)]));
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** A string as it is, and a number or a boolean as JSON has it; empty of all else. */
export function textOf(value: Json | undefined): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}

/** What stands at a path of names; undefined where nothing does. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let found = value;
  for (const name of path) found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  return found;
}
