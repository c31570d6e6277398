import { isUncheckedTwin } from '../cluster/service.ts';
import { weigh } from './weigh.ts';

/** A server as HAProxy has it. */
export interface Server {
  readonly backend: string;
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** Where its checks ask, 0 where that is its own port. */
  readonly checkPort: number;
  /** Percent. */
  readonly weight: number;
  readonly state: 'ready' | 'drain' | 'maint';
  /** As its checks say. */
  readonly up: boolean;
}

export interface SteeredService {
  /** As people call it. */
  readonly name: string;
  /** As HAProxy calls it. */
  readonly backend: string;
  /** Weights follow the load. */
  readonly load: boolean;
  /** Whether the state of nodes, and hands, take its servers out of the turn here; otherwise that is decided elsewhere, and weights alone are steered. */
  readonly states: boolean;
}

/** What somebody has decided about a server; it wins over what is steered. */
export interface Wish {
  readonly state?: 'drain' | 'maint';
  /** Percent. */
  readonly weight?: number;
}

/** Of a Service, as far as it has them. */
export interface FollowedPorts {
  readonly nodePort?: number;
  /** Where kube-proxy says whether a node has pods of it; only where that is asked. */
  readonly health?: number;
}

/** All that decides where traffic goes. What is not known is as it was the last time that it was. */
export interface Known {
  readonly services: readonly SteeredService[];
  /** Of the hosts whose agents have a say. */
  readonly loads: ReadonlyMap<string, number>;
  /** Undefined until the API was asked for the first time: then nobody is drained or taken back. */
  readonly cordoned: ReadonlySet<string> | undefined;
  /** Of services whose ports are followed. */
  readonly ports: ReadonlyMap<string, FollowedPorts>;
  /** By "SERVICE/NODE". */
  readonly byHand: Readonly<Record<string, Wish>>;
}

/** One command for HAProxy's socket, and why. */
export interface Command {
  readonly command: string;
  readonly reason: string;
}

/** Of a server whose node port, or health check, nobody knows yet. */
const unknownPort = 1;

/** What makes HAProxy's servers as they should be; nothing where they are. The weights that hold are what HAProxy says, so that nothing has to be remembered, over a reload or a restart of either. */
export function steer(servers: readonly Server[], known: Known): readonly Command[] {
  return known.services.flatMap((service) => {
    const own = serversOf(service, servers);
    const weights = weigh(own.map(({ server }) => server), known.loads, new Map(own.map(({ server, weight }) => [server, weight])));
    const leaving = leavingOf(service, own, known);
    return own.flatMap((one) => differences(one, service, { ...known, weight: weights.get(one.server)!, leaving }));
  });
}

/** What takes all steering back, for the time when nobody steers: whole weights, and no server out of the turn but by hand. It is noted before HAProxy is told anything, so it has what is about to be drained too. */
export function undo(servers: readonly Server[], { services, cordoned, byHand }: Known): readonly string[] {
  return services.flatMap((service) => serversOf(service, servers).flatMap(({ backend, server, state }) => {
    const hand = byHand[`${service.name}/${server}`] ?? {};
    return [
      ...(service.load && hand.weight === undefined ? [`set server ${backend}/${server} weight 100%`] : []),
      ...(service.states && (cordoned?.has(server) || state !== 'ready') && hand.state === undefined ? [`set server ${backend}/${server} state ready`] : []),
    ];
  }));
}

/** Twins go where HAProxy's own Lua task has them. */
function serversOf(service: SteeredService, servers: readonly Server[]): readonly Server[] {
  return servers.filter(({ backend, server }) => backend === service.backend && !isUncheckedTwin(server));
}

/** Nodes that are cordoned and can be spared: a cordon moves no pod, and the pods may all be there. Undefined until the API was asked. */
function leavingOf({ name }: SteeredService, own: readonly Server[], { cordoned, byHand }: Known): ReadonlySet<string> | undefined {
  if (!cordoned) return undefined;
  const stays = own.some(({ server, up }) => up && !cordoned.has(server) && byHand[`${name}/${server}`]?.state === undefined);
  return stays ? cordoned : new Set();
}

interface Wanted extends Known {
  readonly weight: number;
  readonly leaving: ReadonlySet<string> | undefined;
}

function differences({ backend, server, address, port, checkPort, weight, state }: Server, { name, load, states }: SteeredService, { loads, cordoned, leaving, ports, byHand, weight: byLoad }: Wanted): Command[] {
  const hand = byHand[`${name}/${server}`] ?? {};
  const wanted = {
    state: states ? hand.state ?? (leaving === undefined ? state : leaving.has(server) ? 'drain' : 'ready') : state,
    weight: hand.weight ?? (load ? byLoad : 100),
    port: ports.get(name)?.nodePort ?? port,
    checkPort: ports.get(name)?.health ?? checkPort,
  };
  if (wanted.port === unknownPort || wanted.checkPort === unknownPort) return [];
  const set = (what: string, reason: string): Command => ({ command: `set server ${backend}/${server} ${what}`, reason: `${name}/${server}: ${reason}` });
  const said = loads.get(server);
  return [
    ...(wanted.port === port ? [] : [set(`addr ${address} port ${wanted.port}`, `node port ${wanted.port} instead of ${port}`)]),
    ...(wanted.checkPort === checkPort ? [] : [set(`check-port ${wanted.checkPort}`, `health check at port ${wanted.checkPort} instead of ${checkPort}`)]),
    ...(wanted.weight === weight ? [] : [set(`weight ${wanted.weight}%`, `weight ${wanted.weight} %, ${hand.weight === undefined ? (said === undefined ? 'its agent has no say' : `load ${Math.round(said)} %`) : 'by hand'}`)]),
    ...(wanted.state === state ? [] : [set(`state ${wanted.state}`, `${wanted.state}, ${hand.state === undefined ? (cordoned?.has(server) ? `the node is cordoned${leaving?.has(server) ? '' : ', and no other serves'}` : 'the node is not cordoned') : 'by hand'}`)]),
  ];
}
