import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { hostsWithReadyApi, reachable } from '../facts.ts';
import type { Operation } from '../operation.ts';
import type { PreparedPlan } from '../prepare-plan.ts';
import { findReadyApi } from '../ready-api.ts';

/** What was seen of the hosts, and what reaches them. */
export interface Reaching extends Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'> {
  readonly prepared: { readonly facts: Pick<PreparedPlan['facts'], 'hosts'>; readonly opened: Pick<PreparedPlan['opened'], 'secrets'> };
}

/** Seconds that API servers get to become ready. */
const patience = 120;

/**
 * Speaks with an API server that is ready; `use` is told its host. Asked are the control-plane hosts that answered when the plan was made, those first whose API server was ready then.
 * Throws what `use` throws, `host-unreachable` where none answered, and `not-healthy`.
 */
export async function withApi<T>(work: Reaching, use: (api: ApiClient, host: HostSpec) => Promise<T>): Promise<T> {
  const { cluster, clock, signal, prepared: { facts, opened } } = work;
  const ready = hostsWithReadyApi(cluster, facts);
  const others = hostsWith(cluster, 'control-plane').filter((host) => !ready.includes(host) && reachable(facts.hosts.get(host.name)));
  if (ready.length + others.length === 0) throw new KubekeepError('host-unreachable', 'no control-plane host can be reached, so no API server can be asked', { hint: 'Bring one back, then run the same command again.' });
  for (const deadline = clock.monotonic() + patience * 1000; ; await clock.sleep(200, signal)) {
    const found = await findReadyApi(work, [...ready, ...others], opened.secrets);
    if (found.ok) return await use(found.api, found.host).finally(() => found.api.close());
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `no API server is ready after ${patience} s: ${found.reasons.join('; ')}`, { hint: 'Nothing else was changed after this. kubekeep status says what is wrong; then run the same command again.' });
  }
}
