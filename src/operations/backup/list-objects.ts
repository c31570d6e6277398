import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { listPages } from '../../clients/kubernetes/list-pages.ts';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { discoverResources, type ServedResource } from './discover-resources.ts';
import { countKeys, nameOf, prefixOf } from '../../objects/stored-objects.ts';

export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** What an API server can read of an etcd. */
export interface Listing {
  readonly objects: number;
  readonly resources: number;
  readonly leftOut: readonly LeftOut[];
  /** What should have been readable and was not, or not as often as etcd has it. */
  readonly problems: readonly string[];
  /** What could not be looked at for want of a key. */
  readonly unread: readonly string[];
}

export interface ListOptions {
  /** The state of etcd that is read, whatever the API server itself has written since. */
  readonly revision: number;
  /** All keys that etcd has at that revision. */
  readonly keys: ReadonlySet<string>;
  /** The server has no key to decrypt Secrets with. */
  readonly secretsSealed: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const pageSize = '200';
/** ms for one page. */
const deadline = 60_000;
const atOnce = 4;

/** Lists every object of every resource at a revision, page by page, and compares how many there are with the keys that etcd has. */
export async function listObjects(api: ApiClient, { revision, keys, secretsSealed, clock, signal }: ListOptions): Promise<Listing> {
  const { resources, aggregated } = await discoverResources(api, { revision, clock, signal });
  const { known, others } = countKeys(keys, new Set(resources.map(prefixOf)));
  const leftOut: LeftOut[] = [
    ...aggregated.map((what) => ({ what, why: 'it is served by a program in the cluster, and not stored in etcd by the API server' })),
    ...[...others].map(([prefix, count]) => ({ what: `${count} ${count === 1 ? 'key' : 'keys'} under /registry/${prefix}`, why: 'no resource that the API server serves is stored there' })),
  ];
  const problems: string[] = [];
  const unread: string[] = [];
  const counted = new Map<string, number>();
  const look = async (resource: ServedResource) => {
    const [name, prefix] = [nameOf(resource), prefixOf(resource)];
    const stored = known.get(prefix) ?? 0;
    try {
      const listed = await countObjects(api, resource.path, revision, signal);
      counted.set(prefix, listed);
      if (listed !== stored) problems.push(`${name}: the API server lists ${listed}, and etcd has ${stored}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const why = whyUnread(resource, secretsSealed);
      if (why === undefined) problems.push(`${name}: ${error.message}`);
      else leftOut.push({ what: `${name} (${stored})`, why });
      if (why === sealed) unread.push(`${name}: ${why}`);
    }
  };
  const waiting = [...resources];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await look(next);
  }));
  return { objects: [...counted.values()].reduce((sum, count) => sum + count, 0), resources: resources.length, leftOut, problems, unread };
}

const sealed = 'the key that they are encrypted with is not here';

/** Undefined where it should have been readable. */
function whyUnread({ group, resource, converted }: ServedResource, secretsSealed: boolean): string | undefined {
  if (secretsSealed && group === '' && resource === 'secrets') return sealed;
  return converted ? 'some are stored in an older version, and the webhook that converts them cannot be reached' : undefined;
}

async function countObjects(api: ApiClient, path: string, revision: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const items of listPages(api, path, { limit: pageSize, resourceVersion: String(revision), resourceVersionMatch: 'Exact' }, { signal, deadline })) count += items.length;
  return count;
}
