import type { Cluster, HostSpec } from '../cluster/cluster.ts';
import { hostsWith } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { hostsWithReadyApi, reachable, type ClusterFacts, type HostFacts } from './facts.ts';
import { observe, observeHost } from './observe.ts';
import type { Operation } from './operation.ts';

/** Says what is still missing, in words, or nothing when the gate is open. */
export type Gate = (facts: HostFacts) => string | undefined;

export const etcdReady: Gate = ({ etcd }) => (etcd.ready ? undefined : 'etcd does not answer a consistent read');
export const apiReady: Gate = ({ apiServer }) => (apiServer.ready ? undefined : 'the API server is not ready');

export function unitActive(unit: string): Gate {
  return ({ units }) => {
    const state = units.get(unit)?.active ?? 'missing';
    return state === 'active' ? undefined : `${unit} is ${state}`;
  };
}

/** The host's HAProxy sends new connections to these API servers. */
export function servesThrough(servers: readonly string[]): Gate {
  return ({ backends }) => {
    const down = servers.filter((name) => !backends.some(({ backend, server, serves }) => backend === 'api' && server === name && serves));
    return down.length === 0 ? undefined : `HAProxy does not use ${down.join(', ')} yet`;
  };
}

/** Waits until every gate of a host is open. Throws `not-healthy` with what was still missing: the roll-out stops there. */
export async function waitForHost({ hosts, clock, signal }: Pick<Operation, 'hosts' | 'clock' | 'signal'>, spec: HostSpec, gates: readonly Gate[], seconds = 120): Promise<void> {
  const deadline = clock.monotonic() + seconds * 1000;
  let missing = 'the host does not answer';
  for (;;) {
    const facts = await observeHost(spec, hosts.get(spec.name)!, 10_000, signal);
    if (reachable(facts)) {
      const closed = gates.map((gate) => gate(facts)).filter((reason) => reason !== undefined);
      if (closed.length === 0) return;
      missing = closed.join('; ');
    }
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `${spec.name}: ${missing} after ${seconds} s`, { hint: `Nothing else was changed after this. Look at journalctl on ${spec.name}, then run kubekeep apply again.` });
    await clock.sleep(200, signal);
  }
}

/** What is about to stop on a host for a moment. */
export interface Disturbance {
  readonly etcd: boolean;
  readonly apiServer: boolean;
}

/**
 * Whether a host may be disturbed now: the etcd members that stay must be a majority that is ready, and another API server must be ready. A part
 * that is down already on this host has nothing to lose. Others that are just starting get some seconds to be ready. Resolves to what was seen
 * of the hosts in `among`; throws `quorum-risk` or `not-healthy`.
 */
export async function mayDisturb(operation: Operation, spec: HostSpec, { etcd, apiServer }: Disturbance, among: readonly HostSpec[]): Promise<ClusterFacts> {
  const { cluster, hosts, clock, signal } = operation;
  const deadline = clock.monotonic() + 20_000;
  for (;;) {
    const facts = await observe({ ...cluster, hosts: among }, hosts, { clock, signal });
    const refusal = (etcd ? quorumLoss(cluster, facts, spec) : undefined) ?? (apiServer ? lastApiServer(cluster, facts, spec) : undefined);
    if (!refusal) return facts;
    if (clock.monotonic() > deadline) throw refusal;
    await clock.sleep(500, signal);
  }
}

function quorumLoss(cluster: Cluster, facts: ClusterFacts, spec: HostSpec): KubekeepError | undefined {
  const members = hostsWith(cluster, 'etcd');
  const isReady = (name: string) => {
    const found = facts.hosts.get(name);
    return reachable(found) && found.etcd.ready;
  };
  const staying = members.filter(({ name }) => name !== spec.name && isReady(name)).length;
  if (members.length === 1 || !isReady(spec.name) || staying > Math.floor(members.length / 2)) return undefined;
  return new KubekeepError('quorum-risk', `${spec.name} is not touched: only ${staying} of the other ${members.length - 1} etcd members are ready, and the cluster would lose its quorum`, { hint: 'Bring the other members back first: kubekeep status names them.' });
}

function lastApiServer(cluster: Cluster, facts: ClusterFacts, spec: HostSpec): KubekeepError | undefined {
  const ready = hostsWithReadyApi(cluster, facts);
  if (hostsWith(cluster, 'control-plane').length === 1 || ready.length !== 1 || ready[0]?.name !== spec.name) return undefined;
  return new KubekeepError('not-healthy', `${spec.name} is not touched: it has the only API server that is ready`, { hint: 'Bring another control-plane host back first: kubekeep status names them.' });
}
