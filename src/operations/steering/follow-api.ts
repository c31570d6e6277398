import type { FollowedPorts } from '../../balancing/steer.ts';
import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { SteeredSpec } from '../../render/steer.ts';
import { portCalled, readService } from '../look-at-services.ts';

/** The names of the nodes that take no new pods. */
export async function cordonedNodes(api: Pick<ApiClient, 'get'>, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { items } = await api.get<{ readonly items: readonly { readonly metadata: { readonly name: string } }[] }>(`/api/v1/nodes?fieldSelector=${encodeURIComponent('spec.unschedulable=true')}`, { signal });
  return new Set(items.map(({ metadata }) => metadata.name));
}

/** The ports of a Service that is followed; none where there is no such Service. */
export async function portsOf(api: Pick<ApiClient, 'get'>, follow: NonNullable<SteeredSpec['follow']>, signal: AbortSignal): Promise<FollowedPorts> {
  const spec = (await readService(api, follow, signal))?.spec;
  const [nodePort, health] = [portCalled(spec?.ports, follow.port)?.nodePort, follow.health ? spec?.healthCheckNodePort : undefined];
  return { ...(nodePort !== undefined && { nodePort }), ...(health !== undefined && { health }) };
}

/** Where an API server says how many requests it works on and how many wait, in some 1300 bytes: its metrics have the same in megabytes. */
export const priorityLevels = '/debug/api_priority_and_fairness/dump_priority_levels';

/** How many requests one API server has in flight: those that it works on, and those that wait. Watches count only until they have begun. One that has no room for the question is full: Infinity. */
export async function requestsInFlight(server: Pick<ApiClient, 'get'>, signal: AbortSignal): Promise<number> {
  const table = await server.get<unknown>(priorityLevels, { signal }).catch((error: unknown) => {
    if (error instanceof ApiError && error.reason === 'TooManyRequests') return undefined;
    throw error;
  });
  if (table === undefined) return Number.POSITIVE_INFINITY;
  const inFlight = countInFlight(table);
  if (inFlight === undefined) throw new ApiError(`GET ${priorityLevels}: the answer is no table of priority levels`, { reason: 'NotUnderstood' });
  return inFlight;
}

/**
 * Of a table with a line for each priority level. Undefined where it is none.
 * @internal
 */
export function countInFlight(table: unknown): number | undefined {
  const [head = [], ...levels] = String(table).trim().split('\n').map((line) => line.split(',').map((field) => field.trim()));
  const columns = ['WaitingRequests', 'ExecutingRequests'].map((name) => head.indexOf(name));
  const counts = levels.flatMap((level) => columns.map((column) => Number(level[column] ?? Number.NaN)));
  return counts.length > 0 && counts.every((count) => count >= 0) ? counts.reduce((sum, count) => sum + count, 0) : undefined;
}
