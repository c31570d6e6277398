import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { fewAtOnce } from '../../lib/few-at-once.ts';
import { changedFields } from '../../objects/changed-fields.ts';
import type { JsonObject } from '../../objects/json.ts';
import { comparable } from '../../objects/manifest.ts';
import { whyRefused } from '../objects/restore/check-plan.ts';
import { deadline, getIfThere, lanes } from '../objects/restore/living.ts';
import { placeObjects, type PlacedManifestObject } from './place-objects.ts';
import type { Manifest } from './read-manifest.ts';

export interface CheckedObject extends PlacedManifestObject {
  /** It is there as the manifest has it. */
  readonly same: boolean;
}

/** Who has set what a manifest says. */
const manifestManager = 'kubekeep-manifest';
const manager = { fieldManager: manifestManager, force: true } as const;

/** Asks the API about every object in a dry run: nothing is written. In the order in which they are made. Throws `api-failed` with file, object and the API's reason where it refuses one. */
export async function checkManifests(api: ApiClient, manifests: readonly Manifest[], signal: AbortSignal): Promise<readonly CheckedObject[]> {
  const placed = await placeObjects(api, manifests, signal);
  const coming = new Set<string>();
  for (const { name, path } of placed.filter(({ kind }) => kind === 'Namespace')) {
    if ((await getIfThere(api, path, signal)) === undefined) coming.add(name);
  }
  return fewAtOnce(placed, lanes, async (one) => ({ ...one, same: await isSame(api, one, coming, signal) }));
}

/** The error of an answer of the API about an object of a manifest. `after`: what is true now. */
export function refusedObject({ file, called }: PlacedManifestObject, error: unknown, after: string): unknown {
  if (!(error instanceof ApiError) || error.status === undefined) return error;
  return new KubekeepError('api-failed', `${file}: ${called}: ${whyRefused(error)}`, { hint: `${after} Mend the file, then run kubekeep apply with --manifest again.`, cause: error });
}

/** Makes the object as the manifest has it, or asks what would come of that. */
export function applyObject(api: ApiClient, { path, object }: Pick<PlacedManifestObject, 'path' | 'object'>, { dryRun, signal }: { readonly dryRun: boolean; readonly signal: AbortSignal }): Promise<JsonObject> {
  return api.apply<JsonObject>(`${path}?fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`, object, { ...manager, signal, deadline });
}

async function isSame(api: ApiClient, one: PlacedManifestObject, coming: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
  // Nobody can be asked about it yet.
  if (one.comes) return false;
  const asked = one.namespace !== undefined && coming.has(one.namespace) ? standIn(one, one.namespace) : one;
  const living = await getIfThere(api, asked.path, signal);
  // Something else of that name is in the namespace that stands in.
  if (asked !== one && living) return false;
  try {
    const after = await applyObject(api, asked, { dryRun: true, signal });
    return living !== undefined && changedFields(comparable(living), comparable(after)).length === 0;
  } catch (error) {
    throw refusedObject(one, error, 'Nothing of the manifest was applied.');
  }
}

/** The same in the namespace `default`, where its own is not there yet. */
function standIn(one: PlacedManifestObject, namespace: string): PlacedManifestObject {
  return { ...one, path: one.path.replace(`/namespaces/${namespace}/`, '/namespaces/default/'), object: { ...one.object, metadata: { ...(one.object['metadata'] as JsonObject), namespace: 'default' } } };
}
