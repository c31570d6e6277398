import { basename } from 'node:path';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import { whereThere } from '../../clients/kubernetes/where-there.ts';
import { fewAtOnce } from '../../lib/few-at-once.ts';
import type { ManifestFact } from '../facts.ts';
import { lanes } from '../objects/restore/living.ts';
import type { PlacedManifestObject } from './place-objects.ts';

const folder = '/api/v1/namespaces/kube-system/configmaps';
const name = 'kubekeep-manifests';

interface Kept {
  readonly data?: Readonly<Record<string, string>>;
}

/** Notes in the cluster which objects came by which manifest. */
export async function recordManifests(api: ApiClient, objects: readonly PlacedManifestObject[]): Promise<void> {
  const data = Object.fromEntries([...Map.groupBy(objects, ({ file }) => keyOf(file))].map(([key, ones]) => [key, JSON.stringify(ones.map(({ path, called }) => ({ path, called })))]));
  const before = await whereThere(api.get<Kept>(`${folder}/${name}`));
  if (before === undefined) await api.post(folder, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
  else if (Object.entries(data).some(([key, value]) => before.data?.[key] !== value)) await api.patch(`${folder}/${name}`, { data });
}

/** What is gone of the objects that came by manifests. Throws `api-failed` where nothing can be known of them. */
export async function lookAtManifests(api: ApiClient, signal: AbortSignal): Promise<readonly ManifestFact[]> {
  const found = await whereThere(api.get<Kept>(`${folder}/${name}`, { signal }));
  return Promise.all(Object.entries(found?.data ?? {}).map(async ([file, text]) => {
    const seen = await fewAtOnce(objectsOf(text), lanes, async ({ path, called }) => ((await isGone(api, path, signal)) ? [called] : []));
    return { file, gone: seen.flat() };
  }));
}

/** Its kind may be one that nobody answers for now, as while an API of the cluster's own is away: that tells nothing of the object. */
async function isGone(api: ApiClient, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    return (await whereThere(api.get(path, { signal }))) === undefined;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** Nothing where somebody has written something else. */
function objectsOf(text: string): readonly Pick<PlacedManifestObject, 'path' | 'called'>[] {
  try {
    return JSON.parse(text) as readonly Pick<PlacedManifestObject, 'path' | 'called'>[];
  } catch {
    return [];
  }
}

/** As a ConfigMap takes it. */
function keyOf(file: string): string {
  return basename(file).replaceAll(/[^-._a-zA-Z0-9]/g, '_').slice(0, 253);
}
