import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';

/** Deletes an object by its path; one that is not there is no error. */
export async function forget(api: ApiClient, path: string): Promise<void> {
  await api.delete(path).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.reason === 'NotFound')) throw error;
  });
}
