import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { at, textOf, type JsonObject } from '../../objects/json.ts';
import type { ObjectName } from '../../objects/stored-objects.ts';

/** Whether an API server serves the cluster that a backup is of, or another one; `unknown` where one of the two does not say. */
export type SameCluster = 'same' | 'other' | 'unknown';

/** It lives as long as its cluster, and outlives a restore of all of it. */
export const clusterNamespace: ObjectName = { group: '', resource: 'namespaces', namespace: '', name: 'kube-system' };

/** What the uid of a cluster is, by the namespace above. */
export function clusterUid(namespace: JsonObject | undefined): string | undefined {
  const uid = textOf(at(namespace, 'metadata', 'uid'));
  return uid === '' ? undefined : uid;
}

/** None where the user may not read it, or it is not there. Throws `api-failed` where nothing answers. */
export async function livingUid(api: ApiClient, signal: AbortSignal): Promise<string | undefined> {
  const found = await api.get<JsonObject>(`/api/v1/namespaces/${clusterNamespace.name}`, { signal }).catch((error: unknown) => {
    if (error instanceof ApiError && error.status !== undefined) return undefined;
    throw error;
  });
  return clusterUid(found);
}

export function compareUids(kept: string | undefined, living: string | undefined): SameCluster {
  if (kept === undefined || living === undefined) return 'unknown';
  return kept === living ? 'same' : 'other';
}
