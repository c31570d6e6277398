import { KubekeepError } from '../lib/errors.ts';
import { at, type JsonObject } from './json.ts';

/** Whether an object's labels are those that are wanted. */
export type LabelSelector = (object: JsonObject) => boolean;

type Labels = (name: string) => string | undefined;

/** As kubectl takes it after `-l`: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b,c)`, several with commas. Throws `usage`. */
export function parseLabelSelector(text: string): LabelSelector {
  // Commas between brackets belong to a set.
  const parts = text.split(/,(?![^()]*\))/).map((part) => part.trim());
  const wanted = parts.map((part) => requirement(part) ?? refuse(text));
  return (object) => {
    const label: Labels = (name) => {
      const found = at(object, 'metadata', 'labels', name);
      return typeof found === 'string' ? found : undefined;
    };
    return wanted.every((one) => one(label));
  };
}

const name = String.raw`([A-Za-z0-9][A-Za-z0-9._/-]*)`;
const value = String.raw`([A-Za-z0-9._-]*)`;
const forms: readonly (readonly [RegExp, (name: string, value: string) => (label: Labels) => boolean])[] = [
  [new RegExp(`^${name}$`), (key) => (label) => label(key) !== undefined],
  [new RegExp(`^!\\s*${name}$`), (key) => (label) => label(key) === undefined],
  [new RegExp(`^${name}\\s*==?\\s*${value}$`), (key, wanted) => (label) => label(key) === wanted],
  // Kubernetes counts what has no such label too.
  [new RegExp(`^${name}\\s*!=\\s*${value}$`), (key, wanted) => (label) => label(key) !== wanted],
  [new RegExp(`^${name}\\s+in\\s*\\(([^()]*)\\)$`), (key, set) => (label) => label(key) !== undefined && members(set).includes(label(key)!)],
  [new RegExp(`^${name}\\s+notin\\s*\\(([^()]*)\\)$`), (key, set) => (label) => label(key) === undefined || !members(set).includes(label(key)!)],
];

function requirement(text: string): ((label: Labels) => boolean) | undefined {
  for (const [form, of] of forms) {
    const [, key, rest = ''] = form.exec(text) ?? [];
    if (key !== undefined) return of(key, rest);
  }
  return undefined;
}

function members(set: string): readonly string[] {
  return set.split(',').map((one) => one.trim());
}

function refuse(text: string): never {
  throw new KubekeepError('usage', `"${text}" is no label selector`, { hint: 'It looks like app=web, app!=web, app, !app, or "app in (web,shop)"; several are joined by commas.' });
}
