import type { HostSpec } from '../cluster/cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { shownFiles, type ShownFile } from '../render/shown-file.ts';
import { designsOf } from './designs.ts';
import { followerMaterial } from './follower/follower-material.ts';
import { reachable, type ClusterFacts, type HostFacts } from './facts.ts';
import { observeHost } from './observe.ts';
import type { Operation } from './operation.ts';
import { steeringMaterial } from './own-program-input.ts';
import { openSecrets } from './state.ts';

export interface RenderedHost {
  readonly host: string;
  readonly files: readonly ShownFile[];
}

/**
 * Every file that `apply` would put on the hosts. A host that cannot be asked is taken for an ordinary one, and a cluster that has not been built gets
 * keys for the occasion: `progress` says so. Throws what `openSecrets` and `designsOf` throw.
 */
export async function renderedFiles(operation: Operation): Promise<RenderedHost[]> {
  const { cluster, state, identityFile, clock, progress } = operation;
  const facts = await factsOrDefaults(operation);
  const opened = await openSecrets(state, { cluster: cluster.name, facts, identityFile, now: clock.now() });
  if (opened.from === 'new') progress({ type: 'note', title: 'the cluster has not been built: the CA certificates and the virtual router id are examples' });
  return [...designsOf(cluster, facts, opened, { table: operation.renderers, material: await followerMaterial(operation, opened), own: await steeringMaterial(operation) })].map(([host, designs]) => ({ host, files: shownFiles(designs) }));
}

async function factsOrDefaults({ cluster, hosts, clock, signal, progress }: Operation): Promise<ClusterFacts> {
  const entries = await parallel(cluster.hosts, async (spec) => {
    const found = await observeHost(spec, hosts.get(spec.name)!, 10_000, signal).catch((error: unknown) => {
      if (error instanceof KubekeepError && error.code.startsWith('host-')) return undefined;
      throw error;
    });
    if (reachable(found)) return [spec.name, found] as const;
    progress({ type: 'note', host: spec.name, title: `cannot be asked: shown for interface ${spec.interface ?? ordinaryInterface} and a limit of ${ordinaryOpenFiles} open files` });
    return [spec.name, ordinaryHost(spec)] as const;
  });
  return { observedAt: clock.now(), hosts: new Map(entries) };
}

const ordinaryInterface = 'eth0';
/** systemd's default on Debian. */
const ordinaryOpenFiles = 1_048_576;

/** A host as it is before anything was done to it, but for the interface and the limits, which decide what its files say. */
function ordinaryHost({ address }: HostSpec): HostFacts {
  return {
    reachable: true,
    os: '',
    architecture: 'x86_64',
    openFiles: ordinaryOpenFiles,
    clock: 0,
    addresses: [{ interface: ordinaryInterface, address, prefix: 24 }],
    files: new Map(),
    certificates: new Map(),
    recordedSums: new Map(),
    programs: new Map(),
    units: new Map(),
    pendingUnits: new Set(),
    packages: new Map(),
    users: new Set(),
    nonlocalBind: false,
    containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' },
    joined: false,
    identity: undefined,
    sealed: undefined,
    completed: false,
    restoring: undefined,
    restored: undefined,
    endedRestores: [],
    etcd: { hasData: true, formed: false, initialState: 'new', ready: false },
    apiServer: { live: false, ready: false },
    backends: [],
  };
}
