import { at, isList, isObject, textOf, type Json } from './json.ts';

/** One place in an object that is not as it was. */
export interface ChangedField {
  /** As a person writes it: "spec.template.spec.containers[web].image". */
  readonly path: string;
  /** Undefined where there was, or is, nothing. */
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** What tells the items of a list apart, where they all have it. */
const identities = ['name', 'key', 'type', 'uid', 'containerPort', 'port', 'ip'] as const;

/** What is different between two states of an object, as deep as it can be said; in the order of the paths. */
export function changedFields(before: Json | undefined, after: Json | undefined, path = ''): readonly ChangedField[] {
  if (isObject(before) && isObject(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((key) => changedFields(at(before, key), at(after, key), joined(path, key)));
  }
  if (isList(before) && isList(after)) {
    const by = identities.find((name) => isApart(before, name) && isApart(after, name));
    const items = (list: readonly Json[]) => new Map(list.map((item, index) => [by === undefined ? String(index) : textOf(at(item, by)), item]));
    const [old, now] = [items(before), items(after)];
    const found = [...new Set([...old.keys(), ...now.keys()])].flatMap((key) => changedFields(old.get(key), now.get(key), `${path}[${key}]`));
    // The same items in another order.
    return found.length > 0 || by === undefined || [...old.keys()].join() === [...now.keys()].join() ? found : [{ path, before, after }];
  }
  return before === after ? [] : [{ path, before, after }];
}

function isApart(list: readonly Json[], name: string): boolean {
  const values = list.map((item) => at(item, name));
  return values.every((one) => typeof one === 'string' || typeof one === 'number') && new Set(values).size === list.length;
}

function joined(path: string, key: string): string {
  if (!/^[\w-]+$/.test(key)) return `${path}["${key}"]`;
  return path === '' ? key : `${path}.${key}`;
}
