import { describeHosts, describeWorkers, type Topology } from '../../src/cluster/topologies.ts';
import { isNode, nodeHosts, type Cluster } from '../../src/cluster/cluster.ts';
import type { ClusterFacts, DnsFact, HostFacts, NodesFact, UnitFact } from '../../src/operations/facts.ts';
import { designsOf } from '../../src/operations/designs.ts';
import { contentHash } from '../../src/operations/plan/judge-component.ts';
import { packagesFor, usersFor } from '../../src/operations/plan/preparation.ts';
import { dnsHash } from '../../src/operations/plan/plan-dns.ts';
import { makePlan, type Plan } from '../../src/operations/plan/plan.ts';
import { joinHash } from '../../src/operations/plan/plan-workers.ts';
import type { OpenedSecrets } from '../../src/operations/state.ts';
import { materialize } from '../../src/operations/step-script.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { isLeaf } from '../../src/render/design.ts';
import { aHost, cluster as example, now } from './example-cluster.ts';

const secrets = await createSecrets('prod', now);
export const opened: OpenedSecrets = { secrets, sealed: 'sealed', from: 'state', identity: new Secret('') };

/** A cluster of a topology, and what is seen on its hosts where everything is as it should be. */
export interface SeenCluster {
  readonly cluster: Cluster;
  readonly facts: ClusterFacts;
}

/** `kubelet`: the hosts of the control plane are nodes too. */
export function clusterOf(topology: Topology, workers = 0, kubelet?: true): Cluster {
  return { ...example, hosts: [...describeHosts(topology), ...describeWorkers(workers)].map(({ name, roles }, position) => aHost({ name, roles, address: `10.0.0.${11 + position}`, ...(kubelet && roles.includes('control-plane') && { kubelet }) })) };
}

/** A host that has nothing yet, as a fresh installation is seen. */
export function freshHost(address: string): HostFacts {
  return {
    reachable: true, os: 'debian 13', architecture: 'x86_64', openFiles: 65536, clock: now,
    addresses: [{ interface: 'eth0', address, prefix: 24 }],
    files: new Map(), certificates: new Map(), recordedSums: new Map(), programs: new Map(), units: new Map(), pendingUnits: new Set(),
    packages: new Map([['curl', '8']]), users: new Set(), nonlocalBind: false, containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' }, joined: false, identity: undefined, sealed: undefined, completed: false, restoring: undefined, restored: undefined, endedRestores: [],
    etcd: { hasData: false, formed: false, initialState: undefined, ready: false },
    apiServer: { live: false, ready: false }, backends: [],
  };
}

export function freshCluster(topology: Topology, workers = 0, kubelet?: true): SeenCluster {
  const cluster = clusterOf(topology, workers, kubelet);
  return { cluster, facts: { observedAt: now, hosts: new Map(cluster.hosts.map(({ name, address }) => [name, freshHost(address)])) } };
}

/** As it is after `apply`: every file written by the code that writes them. */
export async function builtCluster(topology: Topology, workers = 0, kubelet?: true): Promise<SeenCluster> {
  const fresh = freshCluster(topology, workers, kubelet);
  const nodes = nodeHosts(fresh.cluster).length === 0 ? undefined : nodesOf(fresh.cluster);
  const designs = designsOf(fresh.cluster, { ...fresh.facts, nodes }, opened);
  const hosts = new Map<string, HostFacts>();
  for (const spec of fresh.cluster.hosts) {
    const components = designs.get(spec.name)!;
    const made = await Promise.all(components.map((design) => materialize(design, design.files.map(({ path }) => path), secrets, now)));
    const files = made.flatMap((one) => one.files);
    const programs = components.flatMap((design) => Object.entries(design.programs).map(([name, path]) => [path, `sum of ${name}`] as const));
    const units = components.flatMap(({ unit, companions = [] }) => (unit ? [unit, ...companions] : []));
    const masked = spec.roles.includes('load-balancer') ? ['haproxy.service', 'keepalived.service'] : [];
    const facts = fresh.facts.hosts.get(spec.name) as HostFacts;
    hosts.set(spec.name, {
      ...facts,
      files: new Map(files.map(({ path, content, mode, owner = 'root:root' }) => [path, { sha256: contentHash(String(content)), mode, owner }])),
      certificates: new Map(files.filter(({ path }) => path.endsWith('.crt')).map(({ path, content }) => [path, String(content)])),
      recordedSums: new Map([...made.flatMap(({ keys }) => [...keys]), ...programs]),
      programs: new Map(programs),
      units: new Map<string, UnitFact>([
        ...units.map((unit) => [unit, { load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', needsReload: false }] as const),
        ...masked.map((unit) => [unit, { load: 'masked', active: 'inactive', sub: 'dead', enabled: 'masked', needsReload: false }] as const),
      ]),
      packages: new Map(packagesFor(spec).map((name) => [name, '1'])),
      users: new Set(usersFor(fresh.cluster, spec)),
      nonlocalBind: true,
      joined: isNode(spec),
      identity: { cluster: 'prod', id: secrets.clusterId, virtualRouterId: 51 },
      completed: true,
      etcd: spec.roles.includes('etcd') ? { hasData: true, formed: true, initialState: 'new', ready: true } : facts.etcd,
      apiServer: { live: spec.roles.includes('control-plane'), ready: spec.roles.includes('control-plane') },
    });
  }
  // The first balancer's router id is what designs take from a host that has one.
  return rerendered({ cluster: fresh.cluster, facts: { observedAt: now, hosts, nodes, dns: nodes && dnsOf(fresh.cluster) } });
}

/** Every node is ready; the first has the pods' network 10.244.0.0/24. */
function nodesOf(cluster: Cluster): NodesFact {
  return {
    nodes: new Map(nodeHosts(cluster).map(({ name, address, roles }, position) => [name, { ready: true, alive: true, reason: '', address, podNetwork: `10.244.${position}.0/24`, kubelet: '1.37.2', cordoned: false, toBeOpened: false, controlPlane: roles.includes('control-plane'), managed: true }])),
    requests: [],
    joinable: joinHash(cluster),
  };
}

/** CoreDNS as `apply` has installed it. */
function dnsOf(cluster: Cluster): DnsFact {
  return { service: { name: 'kube-system/kube-dns', ours: true }, config: true, deployment: { told: dnsHash(cluster), made: 'template', template: 'template', replicas: 2, ready: 2 } };
}

/** The hosts' own words (router id) decide a few files: those are as they would be written now. */
function rerendered(seen: SeenCluster): SeenCluster {
  const designs = designsOf(seen.cluster, seen.facts, opened);
  const hosts = new Map([...seen.facts.hosts].map(([name, found]) => {
    const host = found as HostFacts;
    const contents = designs.get(name)!.flatMap(({ files }) => files.flatMap((file) => (isLeaf(file) ? [] : [file])));
    const files = new Map([...host.files, ...contents.map(({ path, content, mode, owner }) => [path, { sha256: contentHash(content), mode, owner }] as const)]);
    return [name, { ...host, files }];
  }));
  return { cluster: seen.cluster, facts: { ...seen.facts, hosts } };
}

/** The same with something else on one host. */
export function withHost({ cluster, facts }: SeenCluster, name: string, change: (host: HostFacts) => Partial<HostFacts>): SeenCluster {
  const host = facts.hosts.get(name) as HostFacts;
  return { cluster, facts: { ...facts, hosts: new Map([...facts.hosts, [name, { ...host, ...change(host) }]]) } };
}

export function withoutHost({ cluster, facts }: SeenCluster, name: string): SeenCluster {
  return { cluster, facts: { ...facts, hosts: new Map([...facts.hosts, [name, { reachable: false, reason: 'no answer' }]]) } };
}

/** The plan. */
export function planOf({ cluster, facts }: SeenCluster): Plan {
  const designs = designsOf(cluster, facts, opened);
  return makePlan({ cluster, facts, secrets, designs });
}

/** A plan in few words, a line a step: `phase id action`, and with reasons after a colon. */
export function outline({ phases }: Plan, { reasons = false }: { reasons?: boolean } = {}): string[] {
  return phases.flatMap(({ name, order, steps }) => steps.map((step) => `${name} ${order === 'all hosts together' ? 'together' : 'in turn'} ${step.id} ${step.action}${reasons ? `: ${step.reasons.join('; ')}` : ''}`));
}
