import { ApiError } from '../../clients/kubernetes/api-error.ts';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { judgeServingRequest } from '../../pki/judge-serving-request.ts';
import type { PendingRequest } from '../facts.ts';
import { readNodes, requestsPath } from '../look-at-nodes.ts';
import { approvable } from '../plan/plan-workers.ts';
import { untilNodes } from './until-nodes.ts';
import type { Work } from './work.ts';

type NodeIdentity = Pick<HostSpec, 'name' | 'address'>;

/** Seconds in which a kubelet that was granted its certificate serves with it, on a slow computer too. */
const patience = 15;

/** Grants the certificate under which a node's kubelet serves. Waits for it to be asked for; throws `not-healthy` where it is not, or for something else. `again`: the command that grants it then. */
export async function approveServing(work: Pick<Work, 'clock' | 'signal'>, api: ApiClient, host: NodeIdentity, { again = 'kubekeep apply', seconds = 60 } = {}): Promise<void> {
  await untilNodes(work, api, {
    seconds,
    async missing({ requests }) {
      const mine = requests.filter(({ node }) => node === host.name);
      const granted = await grant(api, host, mine);
      return granted ? undefined : notAsked(host, again, mine.map((request) => judgeServingRequest(request, host)).flatMap((verdict) => (verdict.ok ? [] : [verdict.reason])));
    },
  });
  // One that has just been restarted asks anew: the key of its first request is gone. Where no API server may reach it, nothing is waited for in vain for long.
  const end = work.clock.monotonic() + patience * 1000;
  while (!(await serves(api, host.name, work.signal)) && work.clock.monotonic() <= end) {
    await work.clock.sleep(200, work.signal);
    await grant(api, host, (await readNodes(api, work.signal)).requests);
  }
}

async function grant(api: ApiClient, host: NodeIdentity, requests: readonly PendingRequest[]): Promise<boolean> {
  const good = approvable(host, requests);
  for (const { name } of good) await approve(api, name, host);
  return good.length > 0;
}

/** Whether an API server is answered by a node's kubelet, which it asks for its certificate first. */
async function serves(api: ApiClient, name: string, signal: AbortSignal): Promise<boolean> {
  return api.get(`/api/v1/nodes/${name}/proxy/configz`, { signal, deadline: 3000 }).then(() => true, (error: unknown) => {
    if (error instanceof ApiError) return false;
    throw error;
  });
}

async function approve(api: ApiClient, name: string, host: NodeIdentity): Promise<void> {
  const request = await api.get<{ status?: object }>(`${requestsPath}/${name}`);
  const condition = { type: 'Approved', status: 'True', reason: 'AppliedByKubekeep', message: `It names ${host.name} and ${host.address}, and nothing else.` };
  await api.put(`${requestsPath}/${name}/approval`, { ...request, status: { ...request.status, conditions: [condition] } });
}

function notAsked({ name }: NodeIdentity, again: string, reasons: readonly string[]): KubekeepError {
  const hint = `Look at journalctl -u kubelet on ${name}, then run ${again} again.`;
  if (reasons.length === 0) return new KubekeepError('not-healthy', `${name}: the kubelet does not ask for a certificate to serve with`, { hint });
  return new KubekeepError('not-healthy', `${name}: the certificate that its kubelet asks for is not granted: the request ${reasons[0]}`, { hint });
}
