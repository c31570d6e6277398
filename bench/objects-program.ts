/** One reading of `npm run bench:objects` in a process of its own, so that its time and memory are its own: keys, get, pods, history or diff. Reads what it needs as a line of JSON, writes one. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { captureKeys } from '../src/backup/captures.ts';
import { basesOf, type Base } from '../src/backup/points.ts';
import { openRepositoryAs } from '../src/backup/repository.ts';
import { folderStore } from '../src/backup/store/folder-store.ts';
import type { S3Place } from '../src/backup/store/s3-place.ts';
import { s3Store } from '../src/backup/store/s3-store.ts';
import type { Store } from '../src/backup/store/store.ts';
import { openBolt } from '../src/bolt/bolt-file.ts';
import { livingKeys } from '../src/bolt/key-space.ts';
import { openSnapshot } from '../src/backup/open-snapshot.ts';
import { systemClock } from '../src/lib/clock.ts';
import { silent } from '../src/lib/progress.ts';
import { Secret } from '../src/lib/secret.ts';
import { objectDifferences } from '../src/operations/objects/object-differences.ts';
import { objectHistory } from '../src/operations/objects/object-history.ts';
import { stateAt } from '../src/operations/objects/object-state.ts';
import { findObject, findObjects } from '../src/operations/objects/read-objects.ts';
import { resourceCalled } from '../src/objects/find-resource.ts';
import type { Point } from '../src/backup/points.ts';

export interface Reading {
  readonly do: 'keys' | 'get' | 'pods' | 'history' | 'diff';
  readonly snapshot: string;
  /** A folder, or a bucket. */
  readonly place: string | S3Place;
  readonly identity: string;
  readonly key: string;
  /** As if there were no key index. */
  readonly scan: boolean;
  /** ms that the store needs to answer. */
  readonly delay: number;
  readonly from: number;
  readonly to: number;
}

export interface Read {
  readonly found: number;
  readonly seconds: number;
  /** Of the processor. */
  readonly cpu: number;
  /** Bytes at the most, and fetched from the store. */
  readonly memory: number;
  readonly fetched: number;
}

const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
const reading = JSON.parse(line) as Reading;
const start = performance.now();
const before = process.cpuUsage();
let fetched = 0;
const found = reading.do === 'keys' ? await keysOf(reading.snapshot) : await objectsOf(reading);
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${JSON.stringify({ found, seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, memory: process.resourceUsage().maxRSS * 1024, fetched } satisfies Read)}\n`);
process.exit();

async function keysOf(path: string): Promise<number> {
  await using snapshot = await openSnapshot(path);
  return (await livingKeys(openBolt(snapshot))).size;
}

async function objectsOf({ do: what, place, identity, key, scan, delay, from, to }: Reading): Promise<number> {
  const { signal } = new AbortController();
  const kept = typeof place === 'string' ? folderStore(place) : s3Store(place, { signal });
  const store: Store = {
    ...kept,
    async read(name) {
      if (delay > 0) await systemClock.sleep(delay);
      const bytes = await kept.read(name);
      fetched += bytes?.length ?? 0;
      return bytes;
    },
  };
  const repository = await openRepositoryAs(store, new Secret(identity));
  const keys = captureKeys(repository, new Secret(identity));
  const work = { signal, progress: silent, clock: systemClock };
  const base: Base = { ...basesOf(repository.chain).at(-1)!, ...(scan && { index: undefined }) };
  const at = (revision: number): Point => ({ base, revision, time: base.time });
  const state = stateAt(work, repository, { point: at(base.revision), keys });
  const open = { repository, keys, encryptionKeys: async () => new Map(), encryption: async () => undefined, at: async () => { throw new Error('not asked for'); } };
  switch (what) {
    case 'get': return (await findObject(state, key, open.encryptionKeys)) ? 1 : 0;
    case 'pods': return (await findObjects(state, resourceCalled('pods')!, { namespace: undefined }, open.encryptionKeys, ({ name }) => name)).length;
    case 'history': return (await objectHistory(work as never, open, { key, since: at(from), upTo: at(to), encryptionKeys: new Map(), hide: (object) => object })).length;
    default: return (await objectDifferences(work as never, open, { from: at(from), to: at(to), wanted: () => true, selector: undefined, all: false, hide: (object) => object })).length;
  }
}
