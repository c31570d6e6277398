import { decodeValue, type StoredValue } from '../../objects/decode-value.ts';
import { encryptedWith, type EncryptionKeys } from '../../objects/encrypted-value.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import { at, isObject, textOf, type Json } from '../../objects/json.ts';
import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';

/** From when until when an object had a text. */
export interface FoundText extends ObjectName {
  readonly where: 'name' | 'label' | 'annotation';
  /** The name, or "app=web". */
  readonly what: string;
  /** The first revision that had it since the search begins, and Unix time in ms; no time where it was there before. */
  readonly from: number;
  readonly time: number | undefined;
  /** That took it away; none where it is still there. */
  readonly until: number | undefined;
}

export interface TextOptions {
  readonly encryptionKeys: EncryptionKeys;
  readonly hide: HideSecrets;
}

/** What became of a key. */
export interface Stage {
  readonly revision: number;
  /** Unix time in ms; undefined: it was like that before. */
  readonly time: number | undefined;
  /** None where it was deleted. */
  readonly value: Buffer | undefined;
}

/** Finds a text, as it is written, in names, labels and annotations: `note` is told what becomes of objects, of each in the order of its revisions, and `found` says it in the order in which they had it first. */
export function textSpans(text: string, options: TextOptions): { readonly found: () => readonly FoundText[]; readonly note: (key: string, stage: Stage) => void } {
  const found: Span[] = [];
  /** Those that are still there, by key. */
  const there = new Map<string, readonly Span[]>();
  const note = (key: string, { revision, time, value }: Stage) => {
    const before = there.get(key) ?? [];
    const now = value ? textsIn(text, { key, value, revision }, options) : [];
    if (before.length === 0 && now.length === 0) return;
    const stays = (one: Span) => now.some((other) => isSame(one, other));
    for (const one of before) if (!stays(one)) one.until = revision;
    const fresh = now.filter((one) => !before.some((other) => isSame(one, other))).map((one): Span => ({ ...objectNameOf(key)!, ...one, from: revision, time, until: undefined }));
    found.push(...fresh);
    there.set(key, [...before.filter(stays), ...fresh]);
  };
  return { found: () => found.toSorted((one, other) => one.from - other.from), note };
}

type Span = Omit<FoundText, 'until'> & { until: number | undefined };

type Text = Pick<FoundText, 'where' | 'what'>;

function isSame(one: Text, other: Text): boolean {
  return one.where === other.where && one.what === other.what;
}

function textsIn(text: string, stored: StoredValue, { encryptionKeys, hide }: TextOptions): readonly Text[] {
  const { name } = objectNameOf(stored.key)!;
  const named = name.includes(text) ? [{ where: 'name', what: name } as const] : [];
  if (!mayHave(text, stored.value)) return named;
  const { object } = decodeValue(stored, encryptionKeys);
  if (!object) return named;
  const shown = hide(object);
  const pairs = (where: 'label' | 'annotation') => Object.entries(asMap(at(shown, 'metadata', `${where}s`))).map(([key, value]) => `${key}=${textOf(value)}`).filter((what) => what.includes(text)).map((what) => ({ where, what }));
  return [...named, ...pairs('label'), ...pairs('annotation')];
}

/** Before it is decoded, which takes a thousand times as long: "key=value" stands nowhere as it is, and what JSON writes otherwise, or is encrypted, has to be decoded. */
function mayHave(text: string, value: Buffer): boolean {
  return !/^[\w./: -]*$/.test(text) || value.includes(text) || encryptedWith(value) !== undefined;
}

function asMap(value: Json | undefined): Readonly<Record<string, Json>> {
  return isObject(value) ? value : {};
}
