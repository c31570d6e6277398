import type { HostSpec, Role } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { reachable, type ClusterFacts, type HostFacts, type Unreachable } from '../facts.ts';
import { observeHost } from '../observe.ts';
import type { Operation } from '../operation.ts';
import { leftNodes, type LeftNode } from '../plan/left-nodes.ts';
import { stepsOf, type Plan } from '../plan/plan.ts';
import { planFrom } from '../prepare-plan.ts';
import { openKeptSecrets, openSecrets, type OpenedSecrets } from '../state.ts';
import type { ClusterStatus } from './cluster-status.ts';
import { judgeStatus } from './judge-status.ts';
import type { Observation } from './observation.ts';
import { openProbes, type Probes } from './probes.ts';

export interface StatusView {
  /** Looks once. A part that does not answer is reported, never waited for: about 2.5 s where a host is dead, twice that where a part of it hangs. */
  look(): Promise<ClusterStatus>;
  close(): void;
}

/**
 * ms for one host's facts. A dead host is given up sooner, with the connection that it does not accept; this much is for one that answers and has
 * parts that hang, each of which has its own limit of 2.5 s.
 */
const patience = 5000;
/** ms after which a new certificate is made; the old one lives an hour. */
const renewal = 30 * 60_000;

type Answers = Pick<Observation, 'etcd' | 'api' | 'endpoint'>;

/**
 * The state of a cluster, looked at as often as wanted over the same connections. Throws what opening the secrets throws (`identity-missing`,
 * `cluster-mismatch`, `state-broken`) and `host-key` or `host-login`; everything else that is wrong is in the status.
 */
export function openStatus(operation: Operation): StatusView {
  const { cluster, clock, state, identityFile } = operation;
  let opened: { readonly probes: Probes; readonly at: number; readonly id: string } | undefined;

  const probesWith = (secrets: ClusterSecrets): Probes => {
    if (opened && opened.id === secrets.clusterId && clock.monotonic() - opened.at < renewal) return opened.probes;
    opened?.probes.close();
    opened = { probes: openProbes(operation, secrets), at: clock.monotonic(), id: secrets.clusterId };
    return opened.probes;
  };

  return {
    look: async () => {
      const kept = await openKeptSecrets(state, { cluster: cluster.name, identityFile });
      // With the keys at hand the running parts are asked while the hosts are looked at.
      const early = kept && askAll(operation, probesWith(kept.secrets));
      const [facts, first] = await Promise.all([observeAll(operation), early]);
      const answers = first ?? (await askLate(operation, facts, probesWith));
      return judgeStatus({ cluster, facts, ...answers, ...(await driftOf(operation, facts, kept)) });
    },
    close: () => opened?.probes.close(),
  };
}

async function observeAll(operation: Operation): Promise<ClusterFacts> {
  const entries = await parallel(operation.cluster.hosts, async (spec) => [spec.name, await observeWithin(operation, spec)] as const);
  return { observedAt: operation.clock.now(), hosts: new Map(entries) };
}

async function observeWithin({ hosts, signal }: Operation, spec: HostSpec): Promise<HostFacts | Unreachable> {
  const limit = AbortSignal.timeout(patience);
  try {
    return await observeHost(spec, hosts.get(spec.name)!, patience, AbortSignal.any([signal, limit]));
  } catch (error) {
    if (limit.aborted && !signal.aborted) return { reachable: false, reason: `no answer within ${patience / 1000} s` };
    throw error;
  }
}

async function askAll({ cluster }: Operation, probes: Probes): Promise<Answers> {
  const ask = async <T>(role: Role | undefined, question: (spec: HostSpec) => Promise<T>) =>
    new Map(await parallel(cluster.hosts.filter(({ roles }) => role === undefined || roles.includes(role)), async (spec) => [spec.name, await question(spec)] as const));
  const [etcd, api, endpoint] = await Promise.all([
    ask('etcd', (spec) => probes.etcd(spec)),
    ask('control-plane', (spec) => probes.api(spec)),
    ask(undefined, (spec) => probes.endpoint(spec)),
  ]);
  return { etcd, api, endpoint };
}

/** Without keys of our own they come from a host, and where no host has any there is no cluster to be asked. */
async function askLate(operation: Operation, facts: ClusterFacts, probesWith: (secrets: ClusterSecrets) => Probes): Promise<Answers> {
  const { cluster, state, identityFile, clock } = operation;
  if (![...facts.hosts.values()].some((found) => reachable(found) && found.identity)) return { etcd: new Map(), api: new Map(), endpoint: new Map() };
  const { secrets } = await openSecrets(state, { cluster: cluster.name, facts, identityFile, now: clock.now() });
  return askAll(operation, probesWith(secrets));
}

async function driftOf(operation: Operation, facts: ClusterFacts, kept: OpenedSecrets | undefined): Promise<Pick<Observation, 'drift' | 'nodes' | 'dns' | 'manifests' | 'services' | 'unread'>> {
  if (![...facts.hosts.values()].some(reachable)) return { drift: { ok: false, reason: 'no host can be reached' } };
  try {
    const { plan, facts: { nodes, dns, manifests, services, unread } } = await planFrom(operation, facts, kept);
    return { nodes, dns, manifests, services, unread, drift: driftIn(plan, leftNodes(operation.cluster, nodes)) };
  } catch (error) {
    if (error instanceof KubekeepError && (error.code === 'host-unfit' || error.code === 'file-missing')) return { drift: { ok: false, reason: error.message } };
    throw error;
  }
}

/** With a node that is left the plan is refused, whatever it has. */
function driftIn(plan: Plan, [left]: readonly LeftNode[]): Observation['drift'] {
  if (left) return { ok: false, reason: left.message };
  return { ok: true, value: stepsOf(plan).filter(({ component }) => component !== 'cluster') };
}
