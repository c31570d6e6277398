import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { leavesFor } from '../pki/leaves.ts';
import type { ClusterFacts } from './facts.ts';
import { openJournal } from './journal.ts';
import { knownNodes } from './look-at-nodes.ts';
import type { Operation } from './operation.ts';
import { approveServing } from './phases/approve-serving.ts';
import { withApi } from './phases/with-api.ts';
import { preparePlan } from './prepare-plan.ts';

/** A node that is in no cluster file, as a person knows it. */
export interface StrangeNode {
  readonly name: string;
  readonly address: string;
}

/** Grants a node that kubekeep does not manage the certificate under which its kubelet serves, with this name and address alone. Throws `usage`, `api-failed` where no API server knows, and `not-healthy` where it asks for none or for another. */
export async function approveNode(operation: Operation, node: StrangeNode): Promise<void> {
  refuseOwn(operation.cluster, node);
  const prepared = await preparePlan(operation);
  refuseUnknown(prepared.facts, node.name);
  await withApi({ ...operation, prepared }, (api) => approveServing(operation, api, node, { again: 'kubekeep hosts approve', seconds: 10 }));
  await openJournal(operation.state.journal, 'approve', operation.user, operation.clock.now)({ event: 'ended', detail: `${node.name} ${node.address}` });
}

/** Throws `usage` where the cluster has no such node, and what `knownNodes` throws. @internal */
export function refuseUnknown(facts: Pick<ClusterFacts, 'nodes' | 'unread'>, name: string): void {
  const nodes = [...(knownNodes(facts)?.nodes.keys() ?? [])];
  if (!nodes.includes(name)) throw new KubekeepError('usage', `the cluster has no node ${name}`, { hint: nodes.length === 0 ? 'It has none.' : `It has ${nodes.join(', ')}.` });
}

/** Clients that take the node for the API, or for a host of the cluster file, would not notice. Throws `usage`. */
function refuseOwn(cluster: Cluster, { name, address }: StrangeNode): void {
  const host = cluster.hosts.find((one) => one.name === name || one.address === address);
  if (host) throw new KubekeepError('usage', `${host.name} (${host.address}) is a host of the cluster file; its certificates come with kubekeep apply`);
  const api = hostsWith(cluster, 'control-plane').flatMap((one) => leavesFor(cluster, one)).filter((leaf) => leaf.name === 'apiserver');
  const taken = [name, address].find((word) => api.some(({ dnsNames, addresses }) => dnsNames.includes(word) || addresses.includes(word)));
  if (taken !== undefined) throw new KubekeepError('usage', `${taken} is a name or an address of the API server, which no node gets a certificate for`, { hint: 'Let the machine join under another name.' });
}
