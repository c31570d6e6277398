import assert from 'node:assert/strict';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { decodeValue } from '../../src/objects/decode-value.ts';
import type { EncryptionKeys } from '../../src/objects/encrypted-value.ts';
import { objectNameOf } from '../../src/objects/stored-objects.ts';
import { allOf, type ObjectState } from '../../src/operations/objects/object-state.ts';
import { apiVersionOf, type ApiObject, type ServedVersion } from './every-kind.ts';

export interface ComparedObjects {
  /** Those that were read, and how many of them are field by field what the API server gives. */
  readonly objects: number;
  readonly equal: number;
  readonly kinds: ReadonlySet<string>;
  /** Values that were encrypted. */
  readonly encrypted: number;
  /** Apiversion and kind of what is stored in a version that is not served. */
  readonly older: readonly string[];
  /** The key, and what is not the same. */
  readonly different: readonly string[];
  /** What the API server has, and the state does not. */
  readonly missing: readonly string[];
}

/** Compares all objects of a state with what the API server lists at the same revision. */
export async function comparedWithApi(api: ApiClient, resources: readonly ServedVersion[], { state, revision, keys }: { readonly state: ObjectState; readonly revision: number; readonly keys: EncryptionKeys }): Promise<ComparedObjects> {
  const theirs = await listed(api, resources, revision);
  const [kinds, older, seen, different] = [new Set<string>(), new Set<string>(), new Set<string>(), [] as string[]];
  let [objects, encrypted] = [0, 0];
  for (const [key, { value, revision: written }] of await allOf(state.each((one) => objectNameOf(one) !== undefined))) {
    objects++;
    if (value.toString('latin1', 0, 8) === 'k8s:enc:') encrypted++;
    const decoded = decodeValue({ key, value, revision: written }, keys);
    try {
      assert.ok(decoded.object, decoded.object === undefined ? decoded.why : '');
      assert.deepEqual(decoded.unknown, []);
      const ours = decoded.object as unknown as ApiObject;
      kinds.add(ours.kind);
      const same = theirs.get(idOf(ours));
      const newer = same ?? theirs.get(idOf({ ...ours, apiVersion: ours.apiVersion.replace(/v1\w+$/, 'v1') }));
      if (!same) older.add(`${ours.apiVersion} ${ours.kind}`);
      if (newer) seen.add(nameOfObject(newer));
      assert.deepEqual(ours, newer && { ...newer, apiVersion: ours.apiVersion });
    } catch (error) {
      different.push(`${key}: ${(error as Error).message}`);
    }
  }
  const missing = [...new Set([...theirs.values()].map(nameOfObject))].filter((one) => !seen.has(one));
  return { objects, equal: objects - different.length, kinds, encrypted, older: [...older].sort(), different, missing };
}

/** By version too: an object is served in several. */
async function listed(api: ApiClient, resources: readonly ServedVersion[], revision: number): Promise<ReadonlyMap<string, ApiObject>> {
  const theirs = new Map<string, ApiObject>();
  for (const one of resources.filter(({ verbs }) => verbs.includes('list'))) {
    // Which is not a list of anything stored.
    if (one.name === 'componentstatuses') continue;
    const { items } = await listedOnce(api, `${one.path}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
    for (const item of items) theirs.set(idOf({ ...item, apiVersion: apiVersionOf(one), kind: one.kind }), { ...item, apiVersion: apiVersionOf(one), kind: one.kind });
  }
  return theirs;
}

/** Another API server of the cluster may have heard of a definition only now: it says so (429) until it can serve it. */
async function listedOnce(api: ApiClient, path: string, tries = 30): Promise<{ readonly items: readonly ApiObject[] }> {
  try {
    return await api.get(path);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 429) || tries === 1) throw error;
    await systemClock.sleep(1000);
    return listedOnce(api, path, tries - 1);
  }
}

function idOf({ apiVersion, kind, metadata: { namespace = '', name } }: ApiObject): string {
  return `${apiVersion} ${kind} ${namespace}/${name}`;
}

/** In whichever version. Events are in two groups. */
function nameOfObject({ apiVersion, kind, metadata: { namespace = '', name } }: ApiObject): string {
  const group = kind === 'Event' ? '' : apiVersion.replace(/\/?[^/]+$/, '');
  return `${group} ${kind} ${namespace}/${name}`;
}
