import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../src/clients/kubernetes/connect-api.ts';

/** An API that answers each path (without what follows a `?`) with an object, or with an error of a status, and 404 where nothing is given; keeps what was changed, as "PATCH /path {…}". */
export function scriptedApi(answers: Readonly<Record<string, object | number>>): { readonly api: ApiClient; readonly changes: readonly string[] } {
  const left = new Map(Object.entries(answers));
  const changes: string[] = [];
  const change = (verb: string) => async (path: string, body?: unknown) => {
    changes.push([verb, path, ...(body === undefined ? [] : [JSON.stringify(body)])].join(' '));
    // A pod that is asked to go has gone.
    if (path.endsWith('/eviction')) left.set('/api/v1/pods', { items: [] });
    return {};
  };
  const get = async (path: string) => {
    const answer = left.get(path.split('?')[0]!) ?? 404;
    if (typeof answer !== 'number') return answer;
    throw new ApiError(`API server: GET ${path}: HTTP ${answer}`, { status: answer, reason: answer === 404 ? 'NotFound' : 'ServiceUnavailable' });
  };
  return { api: { get, post: change('POST'), put: change('PUT'), patch: change('PATCH'), delete: async (path: string) => change('DELETE')(path) } as unknown as ApiClient, changes };
}

/** As an API server gives a node; a ready one without more. `Unknown` is one whose kubelet says nothing. */
export function nodeObject(name: string, { annotations = {}, unschedulable, ready = 'True', message, address = '10.0.0.12' }: { readonly annotations?: Readonly<Record<string, string>>; readonly unschedulable?: true; readonly ready?: 'True' | 'False' | 'Unknown'; readonly message?: string; readonly address?: string } = {}): object {
  return { metadata: { name, annotations }, spec: { unschedulable }, status: { conditions: [{ type: 'Ready', status: ready, message }], addresses: [{ type: 'InternalIP', address }], nodeInfo: { kubeletVersion: 'v1.37.2' } } };
}
