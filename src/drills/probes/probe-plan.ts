import { hostsWith } from '../../cluster/cluster.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { Secret } from '../../lib/secret.ts';
import type { ConnectionKind, Lane, Workload } from '../history/record.ts';

/** Where the API, or a service of the cluster, can be reached. */
export interface Door {
  readonly address: string;
  readonly port: number;
  /** A name or an address in the serving certificate; undefined where there is none: HTTP without TLS. */
  readonly serverName?: string;
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

/** The door whose lanes are what a client of the cluster feels. */
export const vipDoor = 'VIP';
const servicePrefix = 'service ';

/**
 * The ways to a cluster's API, and to its services that speak HTTP. A balancer is no door of its own: HAProxy listens on the VIP only, and a host that has not got it takes no packet that is sent
 * there. What such a balancer would do is seen by the samples of its HAProxy's servers.
 */
export function doorsOf(cluster: Cluster): Readonly<Record<string, Door>> {
  const serverName = 'kubernetes';
  const servers = hostsWith(cluster, 'control-plane').map(({ name, address }): [string, Door] => [`API server ${name}`, { address, port: 6443, serverName }]);
  const services = visited(cluster).map(({ name, listen }): [string, Door] => [`${servicePrefix}${name}`, { address: listen.vip, port: listen.port }]);
  return { [vipDoor]: { address: cluster.endpoint.vip, port: cluster.endpoint.port, serverName }, ...Object.fromEntries([...servers, ...services]) };
}

/** Services whose pages a prober can ask for: it knows no other protocol. */
export function visited({ services }: Pick<Cluster, 'services'>): Cluster['services'] {
  return services.filter(({ mode }) => mode === 'http');
}

/**
 * What a client of the endpoint feels, finely, and beside it whether each API server answers by itself: with new connections only, so that its lane says what
 * the server does and not what a client remembers. An API server's lane is dead while the server is: that is what it is for. A service is asked for its page.
 */
export function standardLanes(doors: readonly string[]): readonly Lane[] {
  const vip = vipLanes();
  const services = doors.filter((door) => door.startsWith(servicePrefix));
  const others = doors.filter((door) => door !== vipDoor && !services.includes(door));
  const left = mostRequests - vip.reduce((sum, { rate }) => sum + rate, 0);
  return [...vip, ...others.map((door) => laneOf('read', 'new', door, Math.min(2, left / others.length))), ...services.flatMap((door) => [laneOf('visit', 'new', door, 10), laneOf('visit', 'reused', door, 10)])];
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

/** Requests a second of all lanes to the API together: more would measure the prober's own computer. */
const mostRequests = 130;
