import type { EtcdClient } from '../clients/etcd/connect-etcd.ts';
import type { HostSpec } from '../cluster/cluster.ts';
import { hostsWith } from '../cluster/cluster.ts';
import type { Lab } from '../lab/lab.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { etcdOf } from '../operations/clients.ts';
import type { Operation } from '../operations/operation.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';

/** What is needed to speak with the parts of a cluster. */
export interface Reach {
  readonly operation: Pick<Operation, 'cluster' | 'hosts' | 'clock' | 'signal'>;
  readonly secrets: ClusterSecrets;
}

/** A healthy cluster: what faults work with. */
export interface Stage extends Reach {
  readonly operation: Operation;
  /** Whose machines the hosts are; undefined for hosts outside a lab, which have no power switch and no cables that can be cut. */
  readonly lab?: Lab;
  /** From 0 up to 1, the same for the same seed. */
  readonly draw: () => number;
  /** There while a fault is in: what a killed drill leaves for the next one. */
  readonly pendingFile: string;
  /** Resolves when every part does what it should; throws `not-healthy` where that takes longer than so many seconds, 120 unless told. */
  readonly healthy: (seconds?: number) => Promise<void>;
}

export type LabStage = Stage & { readonly lab: Lab };

/** The lab of a stage, for faults that are `labOnly`. */
export function labOf({ lab }: Stage): Lab {
  if (lab) return lab;
  throw new Error('a fault that needs a lab was aimed outside one');
}

/** What a fault that is in leaves in the pending file. */
export interface Pending {
  readonly fault: string;
  /** What undoes it, by host. */
  readonly scripts: Readonly<Record<string, string>>;
  /** What is left after that only an `apply` undoes. */
  readonly byApply?: boolean;
}

/** The host that has the VIP. Throws `not-healthy` where it is not exactly one. */
export async function vipHolder(reach: Reach): Promise<HostSpec> {
  return holderOf(reach, reach.operation.cluster.endpoint.vip);
}

/** The same for the VIP of a service. */
export async function holderOf({ operation: { cluster, hosts, signal } }: Reach, vip: string): Promise<HostSpec> {
  const balancers = hostsWith(cluster, 'load-balancer');
  const holds = await parallel(balancers, async ({ name }) => {
    const { exitCode, stdout } = await hosts.get(name)!.run(`ip -4 -o addr show`, { signal, timeout: 5000 });
    return exitCode === 0 && stdout.includes(` ${vip}/`);
  });
  const holders = balancers.filter((_, position) => holds[position]);
  if (holders.length === 1) return holders[0]!;
  throw new KubekeepError('not-healthy', `${holders.length === 0 ? 'no host holds' : `${holders.map(({ name }) => name).join(' and ')} hold`} the VIP ${vip}`, { hint: 'kubekeep status says more.' });
}

/** The host whose member leads etcd. Throws `not-healthy` where there is none. */
export async function etcdLeader(reach: Reach): Promise<HostSpec> {
  const { cluster } = reach.operation;
  const members = hostsWith(cluster, 'etcd');
  const leads = await parallel(members, (spec) => askEtcd(reach, spec, async (client) => {
    const { leader, member } = await client.status({ deadline: 3000 });
    return leader === member;
  }));
  const leader = members.find((_, position) => leads[position]);
  if (leader) return leader;
  throw new KubekeepError('not-healthy', 'etcd has no leader', { hint: 'kubekeep status says more.' });
}

/** Makes the member of a host lead. */
export async function moveLeader(reach: Reach, to: Pick<HostSpec, 'name'>): Promise<void> {
  const leader = await etcdLeader(reach);
  if (leader.name === to.name) return;
  await askEtcd(reach, leader, async (client) => {
    const target = (await client.members()).find(({ name }) => name === to.name);
    if (!target) throw new KubekeepError('not-healthy', `etcd has no member ${to.name}`, { hint: 'kubekeep status says more.' });
    await client.moveLeader(target.id);
  });
}

async function askEtcd<T>({ operation: { hosts, clock }, secrets }: Reach, spec: HostSpec, ask: (client: EtcdClient) => Promise<T>): Promise<T> {
  const client = await etcdOf(spec, hosts.get(spec.name)!, secrets, clock.now());
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

/** The hosts of a role without some of them, in an order that the seed decides. */
export function othersWith({ operation: { cluster }, draw }: Stage, role: HostSpec['roles'][number], ...without: readonly HostSpec[]): HostSpec[] {
  return shuffled(hostsWith(cluster, role).filter(({ name }) => !without.some((one) => one.name === name)), draw);
}

export function shuffled<T>(items: readonly T[], draw: () => number): T[] {
  return items.map((item) => ({ item, place: draw() })).sort((a, b) => a.place - b.place).map(({ item }) => item);
}
