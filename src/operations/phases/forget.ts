import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { whereThere } from '../../clients/kubernetes/where-there.ts';

/** Deletes an object by its path; one that is not there is no error. */
export async function forget(api: ApiClient, path: string): Promise<void> {
  await whereThere(api.delete(path));
}
