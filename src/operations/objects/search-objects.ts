import type { Point } from '../../backup/points.ts';
import { decodeValue } from '../../objects/decode-value.ts';
import { encryptedWith, type EncryptionKeys } from '../../objects/encrypted-value.ts';
import type { HideSecrets } from '../../objects/hide-secrets.ts';
import { at, isObject, textOf, type Json } from '../../objects/json.ts';
import { objectNameOf, type ObjectName } from '../../objects/stored-objects.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { logChanges, objectKeys, type LogGap } from './log-changes.ts';
import { stateAt } from './object-state.ts';
import type { OpenObjects } from './open-objects.ts';

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

export interface SearchOptions {
  /** As it is written, capital letters too. */
  readonly text: string;
  readonly since: Point;
  readonly upTo: Point;
  /** Leases, events and endpoints too. */
  readonly all: boolean;
  readonly wanted: (name: ObjectName) => boolean;
  readonly encryptionKeys: EncryptionKeys;
  readonly hide: HideSecrets;
}

export interface FoundTexts {
  /** In the order in which they were first there. */
  readonly found: readonly FoundText[];
  /** Revisions of which it is not known. */
  readonly gaps: readonly LogGap[];
}

type Span = Omit<FoundText, 'until'> & { until: number | undefined };

/** Looks for a text in names, labels and annotations, in what was there at one point and in each revision up to another one of its timeline. */
export async function searchObjects(operation: ReadOperation, { repository, keys }: OpenObjects, { text, since, upTo, all, wanted, ...options }: SearchOptions): Promise<FoundTexts> {
  const isWanted = objectKeys({ all, wanted });
  const found: Span[] = [];
  /** Those that are still there, by key. */
  const there = new Map<string, readonly Span[]>();
  const note = (key: string, { revision, time, value }: { readonly revision: number; readonly time: number | undefined; readonly value: Buffer | undefined }) => {
    const before = there.get(key) ?? [];
    const now = value ? textsIn(text, { key, value, revision }, options) : [];
    if (before.length === 0 && now.length === 0) return;
    const stays = (one: Span) => now.some(({ where, what }) => where === one.where && what === one.what);
    for (const one of before) if (!stays(one)) one.until = revision;
    const fresh = now.filter((one) => !before.some(({ where, what }) => where === one.where && what === one.what)).map((one): Span => ({ ...objectNameOf(key)!, ...one, from: revision, time, until: undefined }));
    found.push(...fresh);
    there.set(key, [...before.filter(stays), ...fresh]);
  };
  const { timeline } = upTo.base;
  const start = since.base.timeline === timeline ? since : { base: upTo.base, revision: upTo.base.revision, time: upTo.base.time };
  for await (const values of stateAt(operation, repository, { point: start, keys }).each(isWanted)) for (const [key, value] of values) note(key, { ...value, time: undefined });
  found.sort((one, other) => one.from - other.from);
  const gaps: LogGap[] = [];
  for await (const one of logChanges(operation, repository, keys, { timeline, after: start.revision, upTo: upTo.revision }, isWanted)) {
    if (one.kind === 'gap') gaps.push(one);
    else note(one.key, one);
  }
  return { found, gaps };
}

interface Stored {
  readonly key: string;
  readonly value: Buffer;
  readonly revision: number;
}

function textsIn(text: string, stored: Stored, { encryptionKeys, hide }: Pick<SearchOptions, 'encryptionKeys' | 'hide'>): readonly Pick<FoundText, 'where' | 'what'>[] {
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
