import { hostsWith } from '../../cluster/cluster.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { Secret } from '../../lib/secret.ts';
import { connectionKinds } from '../history/record.ts';
import type { ConnectionKind, Lane, Workload } from '../history/record.ts';

/** Where the API can be reached. */
export interface Door {
  readonly address: string;
  readonly port: number;
  /** A name or an address in the serving certificate. */
  readonly serverName: string;
}

/** Everything that a prober needs to know. */
export interface ProbePlan {
  readonly lanes: readonly Lane[];
  /** Watches on which nothing happens, from clients that give no sign of life: they have no figures, only an end where they are cut. */
  readonly quiet?: readonly Lane[];
  /** By the lanes' doors. */
  readonly doors: Readonly<Record<string, Door>>;
  /** CA of the serving certificates and own certificate: PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: Secret;
  /** Must exist. */
  readonly namespace: string;
  /** The register lanes draw the same for the same seed. */
  readonly seed: number;
  /** First part of every object's name: lower-case letters, digits, dashes. */
  readonly run: string;
}

/** The plan as one line for the prober's standard input: the only place where its key is written down. */
export function planLine(plan: ProbePlan): string {
  return JSON.stringify({ ...plan, key: plan.key.reveal() });
}

export function readPlanLine(line: string): ProbePlan {
  const plan = JSON.parse(line) as Omit<ProbePlan, 'key'> & { readonly key: string };
  return { ...plan, key: new Secret(plan.key) };
}

/** @internal also for tests */
export const vipDoor = 'VIP';

/**
 * The ways to a cluster's API. A balancer is no door of its own: HAProxy listens on the VIP only, which one balancer has at a time. A program that
 * reaches one in another way may add it.
 */
export function doorsOf(cluster: Cluster): Readonly<Record<string, Door>> {
  const serverName = 'kubernetes';
  const servers = hostsWith(cluster, 'control-plane').map(({ name, address }): [string, Door] => [`API server ${name}`, { address, port: 6443, serverName }]);
  return { [vipDoor]: { address: cluster.endpoint.vip, port: cluster.endpoint.port, serverName }, ...Object.fromEntries(servers) };
}

/**
 * `vip`: what a client of the endpoint feels, finely. `all`: every door with every kind of connection, at rates so low that prober and cluster fit on two
 * processors.
 */
export function standardLanes(preset: 'vip' | 'all', doors: readonly string[]): readonly Lane[] {
  return preset === 'vip' ? vipLanes() : allLanes(doors);
}

/** The quiet watch of a client of the endpoint. */
export function quietWatch(): Lane {
  return { name: `quiet watch, ${vipDoor}`, workload: 'watch', connection: 'new', door: vipDoor, rate: 0 };
}

export function laneOf(workload: Workload, connection: ConnectionKind, door: string, rate: number): Lane {
  return { name: `${workload}, ${connectionWords[connection]}, ${door}`, workload, connection, door, rate };
}

const connectionWords: Readonly<Record<ConnectionKind, string>> = {
  'new': 'new connections',
  'reused': 'reused connection',
  'reused, short': 'reused connection with short timers',
};

function vipLanes(): Lane[] {
  return [
    laneOf('watch', 'reused', vipDoor, 0),
    laneOf('write', 'new', vipDoor, 20),
    laneOf('write', 'reused', vipDoor, 20),
    laneOf('write', 'reused, short', vipDoor, 20),
    laneOf('read', 'new', vipDoor, 20),
    laneOf('read', 'reused', vipDoor, 20),
    laneOf('register', 'new', vipDoor, 8),
    laneOf('register', 'reused', vipDoor, 12),
  ];
}

/** Requests a second of all lanes together: more would measure the prober's own computer. */
const mostRequests = 130;

function allLanes(doors: readonly string[]): Lane[] {
  const kinds = doors.flatMap((door) => connectionKinds.map((connection) => ({ door, connection })));
  const rate = Math.min(5, Math.floor((mostRequests / (2 * kinds.length)) * 10) / 10);
  return [
    ...kinds.map(({ connection, door }) => laneOf('watch', connection, door, 0)),
    ...kinds.flatMap(({ connection, door }) => [laneOf('write', connection, door, rate), laneOf('read', connection, door, rate)]),
  ];
}
