import type { EtcdStatus } from '../clients/etcd/etcd-status.ts';
import { hostsWith, type HostSpec, type Role } from '../cluster/cluster.ts';
import { parallel } from '../lib/parallel.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { etcdOf } from './clients.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import type { Operation } from './operation.ts';

/** Who does what at one moment: enough for a picture of the cluster. */
export interface ClusterView {
  readonly vip: string;
  readonly term: number | undefined;
  /** Voting members that answer, of all. */
  readonly votes: { readonly present: number; readonly all: number };
  readonly hosts: readonly HostView[];
}

export interface HostView {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly Role[];
  readonly reachable: boolean;
  readonly etcd: 'leader' | 'follower' | 'learner' | 'no answer' | undefined;
  readonly api: 'ready' | 'not ready' | 'no answer' | undefined;
  readonly holdsVip: boolean;
}

/** Asks every member for itself; one that does not answer within 2 s counts as silent. */
export async function viewCluster(operation: Operation, facts: ClusterFacts, secrets: ClusterSecrets): Promise<ClusterView> {
  const { cluster } = operation;
  const members = new Map(await parallel(hostsWith(cluster, 'etcd'), async (spec) => [spec.name, await statusOf(operation, spec, facts, secrets)] as const));
  const present = [...members.values()].filter((status) => status !== undefined);
  const hosts = cluster.hosts.map((spec): HostView => {
    const found = facts.hosts.get(spec.name);
    const seen = reachable(found);
    const { live, ready } = seen ? found.apiServer : { live: false, ready: false };
    return {
      name: spec.name,
      address: spec.address,
      roles: spec.roles,
      reachable: seen,
      etcd: spec.roles.includes('etcd') ? roleOf(members.get(spec.name)) : undefined,
      api: spec.roles.includes('control-plane') ? (ready ? 'ready' : live ? 'not ready' : 'no answer') : undefined,
      holdsVip: seen && found.addresses.some(({ address }) => address === cluster.endpoint.vip),
    };
  });
  return {
    vip: cluster.endpoint.vip,
    term: present.length > 0 ? Math.max(...present.map(({ raftTerm }) => raftTerm)) : undefined,
    votes: { present: present.filter(({ isLearner }) => !isLearner).length, all: members.size },
    hosts,
  };
}

function roleOf(status: EtcdStatus | undefined): HostView['etcd'] {
  if (!status) return 'no answer';
  if (status.isLearner) return 'learner';
  return status.leader === status.member ? 'leader' : 'follower';
}

async function statusOf({ hosts, clock }: Operation, spec: HostSpec, facts: ClusterFacts, secrets: ClusterSecrets): Promise<EtcdStatus | undefined> {
  if (!reachable(facts.hosts.get(spec.name))) return undefined;
  try {
    const client = await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now());
    try {
      return await client.status({ deadline: 2000 });
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof KubekeepError) return undefined;
    throw error;
  }
}
