import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { ServiceSpec } from '../../cluster/service.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { readServices } from '../../operations/look-at-services.ts';
import { apiThroughVip } from '../api-through-vip.ts';
import type { Stage } from '../stage.ts';

/** A pod as far as faults ask for it. */
export interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string; readonly deletionTimestamp?: string; readonly labels?: Readonly<Record<string, string>>; readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[] };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly readinessProbe?: object; readonly lifecycle?: { readonly preStop?: object } }[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** The pods of a service that are ready and stay. Throws `api-failed`. */
function podsOf(stage: Stage, service: ServiceSpec): Promise<readonly Pod[]> {
  // Without the drill's signal: an undo has to look after Ctrl-C too.
  const { signal } = new AbortController();
  return apiThroughVip(stage, async (api) => {
    const found = (await readServices(api, [service], signal)).get(service.name);
    if (!found) return [];
    const [namespace, name] = found.name.split('/');
    const { spec } = await api.get<{ readonly spec: { readonly selector?: Readonly<Record<string, string>> } }>(`/api/v1/namespaces/${namespace}/services/${name}`, { signal });
    return spec.selector === undefined ? [] : readyPods(api, namespace!, spec.selector, signal);
  });
}

async function readyPods(api: ApiClient, namespace: string, selector: Readonly<Record<string, string>>, signal: AbortSignal): Promise<readonly Pod[]> {
  const words = Object.entries(selector).map(([label, value]) => `${label}=${value}`).join(',');
  return (await api.get<{ readonly items: readonly Pod[] }>(`/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(words)}`, { signal })).items.filter(isReady);
}

function isReady({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.conditions?.some(({ type, status: word }) => type === 'Ready' && word === 'True') === true;
}

/** Why the pods of a service cannot come and go without a request that fails; undefined where they can. */
export function whyNotGentle(pods: readonly Pod[]): string | undefined {
  if (pods.length < 2) return 'it has fewer than two pods that are ready';
  const without = (what: string, has: (container: Pod['spec']['containers'][number]) => boolean) => {
    const pod = pods.find(({ spec }) => !spec.containers.some(has));
    return pod && `pod ${pod.metadata.namespace}/${pod.metadata.name} has no ${what}`;
  };
  return without('readinessProbe', ({ readinessProbe }) => readinessProbe !== undefined) ?? without('preStop, so it ends before all who send to it know', ({ lifecycle }) => lifecycle?.preStop !== undefined);
}

/** What to do about it. */
export const gentle = 'Give it two pods with a readinessProbe and a preStop of some seconds (docs/guides/services.md).';

/** Why no HAProxy inside the cluster is behind a service that can lose a pod's node; undefined where one is. */
export function whyNoHaproxy(pods: readonly Pod[]): string | undefined {
  if (pods.length === 0 || !pods.every(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === 'haproxy')) return 'it does not lead to HAProxy inside the cluster';
  return new Set(pods.map(({ spec }) => spec.nodeName)).size > 1 ? undefined : 'its HAProxy pods are on one node';
}

/** The first of some services whose pods are fit for a fault, which answers. Throws `drill-refused` with the reason of each where none is. */
export async function firstFit(stage: Stage, services: readonly ServiceSpec[], whyNot: (pods: readonly Pod[]) => string | undefined, hint: string): Promise<{ readonly service: ServiceSpec; readonly pods: readonly Pod[] }> {
  const reasons: string[] = [];
  for (const service of services) {
    const pods = await podsOf(stage, service);
    const reason = whyNot(pods);
    if (reason === undefined) return { service, pods };
    reasons.push(`service ${service.name}: ${reason}`);
  }
  throw new KubekeepError('drill-refused', `no service is fit for this: ${reasons.join('; ')}`, { hint });
}

/** A script for the pod's node that kills all its processes at once, also the one that holds its network. */
export function killScript({ metadata: { uid } }: Pod): string {
  return `pids=$(grep -lsE 'pod${uid.replaceAll('-', '[-_]')}' /proc/[0-9]*/cgroup | cut -d/ -f3); [ -n "$pids" ] && kill -s KILL $pids`;
}

/** Resolves when a service has at least so many pods that are ready, none of which is to be gone. Throws `not-healthy` after two minutes. */
export async function untilPods(stage: Stage, service: ServiceSpec, count: number, gone: readonly Pod[] = []): Promise<void> {
  const { clock } = stage.operation;
  const deadline = clock.monotonic() + 120_000;
  for (;;) {
    // An API that is busy, or loses a host just then, is asked again.
    const ready = await podsOf(stage, service).catch(noneFrom);
    if (ready.filter(({ metadata }) => !gone.some((one) => one.metadata.uid === metadata.uid)).length >= count) return;
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `service ${service.name} has not ${count} ready pods again after two minutes`, { hint: 'kubekeep kubectl -- get pods --all-namespaces shows them.' });
    await clock.sleep(500);
  }
}

function noneFrom(error: unknown): readonly Pod[] {
  if (error instanceof ApiError) return [];
  throw error;
}
