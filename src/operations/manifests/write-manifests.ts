import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { hostsWithReadyApi } from '../facts.ts';
import { tracked } from '../phases/tracked.ts';
import { withApi, type Reaching } from '../phases/with-api.ts';
import type { Work } from '../phases/work.ts';
import { applyObject, checkManifests, refusedObject, type CheckedObject } from './check-manifests.ts';
import { recordManifests } from './manifest-record.ts';
import { isServed } from './place-objects.ts';
import type { Manifest } from './read-manifest.ts';

/** Seconds until the API serves a kind whose definition is there. */
const patience = 60;

/** What writing needs. */
type Writing = Pick<Work, 'clock' | 'signal'>;

/** How many objects of manifests are not so already. Where an API server is ready each is asked about; where none is, as before the cluster is built, none can be. Throws `api-failed`. */
export async function objectsToApply(work: Reaching, manifests: readonly Manifest[]): Promise<number> {
  if (manifests.length === 0) return 0;
  if (hostsWithReadyApi(work.cluster, work.prepared.facts).length === 0) return manifests.flatMap(({ objects }) => objects).length;
  return withApi(work, async (api) => (await checkManifests(api, manifests, work.signal)).filter(({ same }) => !same).length);
}

/** Makes the objects of the manifests as they are there, once more asked about before the first is written, and notes which they are. The number of those that were not so already. Throws `api-failed`. */
export async function performManifests(work: Work, manifests: readonly Manifest[]): Promise<number> {
  if (manifests.length === 0) return 0;
  return withApi(work, async (api, host) => {
    const objects = await checkManifests(api, manifests, work.signal);
    const changed = objects.filter(({ same }) => !same);
    const step = { id: 'cluster/manifests', host: host.name, title: `manifests: apply ${changed.length} ${changed.length === 1 ? 'object' : 'objects'}`, reasons: manifests.map(({ file }) => file) };
    if (changed.length > 0) await tracked(step, work, () => writeObjects(api, changed, work));
    await recordManifests(api, objects);
    return changed.length;
  });
}

/** One after the other in the order that they have. Throws `api-failed`. @internal */
export async function writeObjects(api: ApiClient, objects: readonly CheckedObject[], work: Writing): Promise<void> {
  for (const [position, one] of objects.entries()) {
    try {
      if (one.comes) await untilServed(api, one, work);
      await applyObject(api, one, { dryRun: false, signal: work.signal });
    } catch (error) {
      throw refusedObject(one, error, `${position} of ${objects.length} objects were applied before.`);
    }
  }
}

async function untilServed(api: ApiClient, one: CheckedObject, { clock, signal }: Writing): Promise<void> {
  const end = clock.monotonic() + patience * 1000;
  while (!(await isServed(api, one, signal))) {
    if (clock.monotonic() > end) throw new KubekeepError('api-failed', `${one.file}: ${one.called}: the API does not serve its kind ${patience} s after its definition was applied`, { hint: 'kubekeep kubectl -- get crd says what is wrong with the definition; then run kubekeep apply with --manifest again.' });
    await clock.sleep(200, signal);
  }
}
