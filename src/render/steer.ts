import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { apiService, backendOf, nodesOf } from '../cluster/service.ts';
import { followedService, isSteered, saysItsLoad, steers } from '../cluster/steered.ts';
import { authorityFile, leafFiles } from './_pki-files.ts';
import { hardening, unitFile, unitMode } from './_unit-file.ts';
import type { ComponentDesign, OwnProgramInput, RenderInput } from './design.ts';
import { haproxySocket } from './haproxy.ts';
import { inFlightLimit } from './kube-apiserver.ts';
import { byHandFile, configFolder, credentialPath, loadAgentPort, pkiFolder, servicesSocket, steerUnit, undoFile, unitFolder } from './paths.ts';

const file = `${configFolder}/steer.json`;

/** What kubekeep on a load balancer steers by; all that its file says. */
export interface Steering {
  /** Where an operator's decisions are, and where is noted what takes the steering back. */
  readonly byHand: string;
  readonly undo: string;
  readonly api: { readonly host: string; readonly port: number; readonly ca: string; readonly certificate: string; readonly key: string };
  readonly agents: readonly SteeredHost[];
  /** API servers whose requests in flight are counted, and how many of them each may have. */
  readonly apiServers: readonly (SteeredHost & { readonly limit: number })[];
  readonly proxies: readonly SteeredProxy[];
}

interface SteeredHost {
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

/** A HAProxy of the load balancer, by its admin socket, and what of it is steered. */
export interface SteeredProxy {
  readonly socket: string;
  readonly services: readonly SteeredSpec[];
}

export interface SteeredSpec {
  readonly name: string;
  readonly backend: string;
  readonly load: boolean;
  readonly states: boolean;
  /** The Service whose node port is followed, `port` by name or number, and the port of its health check where `health` says so. */
  readonly follow?: { readonly namespace: string; readonly service: string; readonly port: string; readonly health?: boolean };
}

/** kubekeep itself on a load balancer, where weights follow the load or a node port is followed. Nothing serves less when it is not there. */
export function renderSteer(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, own } = input;
  if (!own || !steers(cluster, host)) return undefined;
  const root = (path: string, content: string, mode: number) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'steer',
    unit: steerUnit,
    programs: { kubekeep: own.program },
    files: [authorityFile(input, 'kubernetes', 'ca.crt'), ...leafFiles(input, ['steer']), root(file, `${JSON.stringify(steering(cluster), null, 2)}\n`, 0o644), root(`${unitFolder}/${steerUnit}`, unit(own), unitMode)],
    onChange: 'restart',
  };
}

function steering(cluster: Cluster): Steering {
  const { endpoint } = cluster;
  const limit = inFlightLimit(cluster);
  return {
    byHand: byHandFile,
    undo: undoFile,
    api: { host: endpoint.vip, port: endpoint.port, ca: `${pkiFolder}/ca.crt`, certificate: `${pkiFolder}/steer.crt`, key: credentialPath(steerUnit, 'client.key') },
    agents: cluster.hosts.filter((host) => saysItsLoad(cluster, host)).map(({ name, address }) => ({ node: name, host: address, port: loadAgentPort })),
    apiServers: endpoint.load && limit > 0 ? hostsWith(cluster, 'control-plane').map(({ name, address }) => ({ node: name, host: address, port: 6443, limit })) : [],
    proxies: [
      { socket: servicesSocket, services: steeredServices(cluster) },
      // Its Lua task decides who serves (docs/decisions/0012).
      { socket: haproxySocket, services: endpoint.load ? [{ name: apiService, backend: 'api', load: true, states: false }] : [] },
    ].filter((proxy) => proxy.services.length > 0),
  };
}

function steeredServices({ services, hosts }: Cluster): SteeredSpec[] {
  return services.filter((service) => isSteered(service) && nodesOf(service, hosts).length > 0).map(({ name, load, forward, check }) => {
    const follow = followedService(forward);
    return { name, backend: backendOf(name), load, states: true, ...(follow && { follow: { ...follow, ...(check === 'local' && { health: true }) } }) };
  });
}

/** As the user of HAProxy, whose socket it is. However it ends, what it has done is taken back: one socket and command a line, so that one that HAProxy refuses stops no other. */
function unit({ program, node, script }: OwnProgramInput): string {
  return unitFile({
    Unit: { Description: 'weights and servers of the load balancer (kubekeep)', After: 'network-online.target kubekeep-haproxy.service kubekeep-services.service', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'exec',
      User: 'haproxy',
      Group: 'haproxy',
      // It has little to remember, and Node would let rubbish lie for long.
      ExecStart: [`${program}/${node}`, '--max-old-space-size=64', '--max-semi-space-size=2', `${program}/${script}`, 'steer', `--file=${file}`].join(' \\\n  '),
      ExecStopPost: `-/bin/sh -c 'while read -r socket line; do echo "$$line" | socat -t 1 - "UNIX-CONNECT:$$socket"; done < ${undoFile}'`,
      LoadCredential: `client.key:${pkiFolder}/steer.key`,
      RuntimeDirectory: 'kubekeep-steer',
      RuntimeDirectoryMode: '0755',
      Restart: 'always',
      RestartSec: 1,
      // That is how it says that it was stopped.
      SuccessExitStatus: 130,
      MemoryMax: '256M',
      TasksMax: 64,
      ...hardening,
      // Node compiles what it runs.
      MemoryDenyWriteExecute: 'no',
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}
