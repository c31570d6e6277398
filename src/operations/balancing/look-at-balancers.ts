import { parseHaproxyStat, type HaproxyStat } from '../../clients/haproxy/parse-stat.ts';
import { hostsWith } from '../../cluster/cluster.ts';
import { apiService, isUncheckedTwin, serviceOf } from '../../cluster/service.ts';
import type { Host } from '../../hosts/host.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { haproxySocket } from '../../render/haproxy.ts';
import { byHandFile, configFolder, servicesSocket } from '../../render/paths.ts';
import type { Operation } from '../operation.ts';
import { nameOf, type BalancedServer, type Balancer, type ServerCondition } from './balancer.ts';
import { parseByHand, type ByHand, type Wish } from './by-hand.ts';

/** Looks at all load balancers at once, within some 6 s. One that does not answer is a fact; a wrong host key or a refused login is an error. */
export function lookAtBalancers({ cluster, hosts, signal }: Pick<Operation, 'cluster' | 'hosts' | 'signal'>): Promise<readonly Balancer[]> {
  return parallel(hostsWith(cluster, 'load-balancer'), ({ name }) => look(name, hosts.get(name)!, signal));
}

async function look(host: string, machine: Host, signal: AbortSignal): Promise<Balancer> {
  try {
    const { stdout, timedOut } = await machine.run(lookScript, { timeout: 6000, signal });
    return timedOut ? { host, reason: 'no answer within 6 s' } : parseLook(host, stdout);
  } catch (error) {
    if (error instanceof KubekeepError && (error.code === 'host-unreachable' || error.code === 'command-failed')) return { host, reason: error.message };
    throw error;
  }
}

const lookScript = `
ask() { [ ! -S "$2" ] || echo 'show stat' | timeout 3 socat -t 2 - "UNIX-CONNECT:$2" 2> /dev/null | sed "s/^/$1\t/"; }
ask api ${haproxySocket}
ask services ${servicesSocket}
[ ! -f ${byHandFile} ] || printf 'by-hand\\t%s\\n' "$(base64 -w0 < ${byHandFile})"
[ ! -f ${configFolder}/cluster.json ] || printf 'identity\\t%s\\n' "$(base64 -w0 < ${configFolder}/cluster.json)"
printf 'end\\n'
`;

/**
 * Turns the script's lines into what is known of a balancer. Throws `command-failed` where they were cut short.
 * @internal
 */
export function parseLook(host: string, output: string): Balancer {
  const lines = output.split('\n');
  if (!lines.includes('end')) throw new KubekeepError('command-failed', 'its answer was cut short');
  const after = (word: string) => lines.filter((line) => line.startsWith(`${word}\t`)).map((line) => line.slice(word.length + 1));
  const decoded = (word: string) => Buffer.from(after(word)[0] ?? '', 'base64').toString();
  const byHand = parseByHand(decoded('by-hand'));
  const identity = decoded('identity');
  const servers = [...apiServers(rowsOf(after('api')), byHand), ...serviceServers(rowsOf(after('services')), byHand)];
  if (servers.length === 0) return { host, reason: 'HAProxy does not answer there' };
  return { host, servers, byHand, clusterId: identity === '' ? undefined : (JSON.parse(identity) as { id: string }).id };
}

function rowsOf(lines: readonly string[]): readonly HaproxyStat[] {
  return parseHaproxyStat(lines.join('\n')).filter(({ kind }) => kind === 'server');
}

/** That one is to be taken out shows in the backend that asks whether they are ready: nobody else changes states there, and the Lua task carries them over. */
function apiServers(rows: readonly HaproxyStat[], byHand: ByHand): BalancedServer[] {
  const ready = rows.filter(({ proxy }) => proxy === 'api-ready');
  return ready.flatMap((twin) => {
    const row = rows.find(({ proxy, server }) => proxy === 'api' && server === twin.server);
    const state = twin.status === 'DRAIN' ? 'drain' : twin.status === 'MAINT' ? 'maint' : undefined;
    if (!row) return [];
    const server = balanced(apiService, row, state ? { state } : byHand[nameOf({ service: apiService, server: row.server })]);
    return [server.condition === 'drain' && state === 'maint' ? { ...server, condition: state } : server];
  });
}

function serviceServers(rows: readonly HaproxyStat[], byHand: ByHand): BalancedServer[] {
  return rows.flatMap((row) => {
    const service = serviceOf(row.proxy);
    return service === undefined || isUncheckedTwin(row.server) ? [] : [balanced(service, row, byHand[nameOf({ service, server: row.server })])];
  });
}

function balanced(service: string, { server, status, weight, currentSessions, checkStatus }: HaproxyStat, wish: Wish | undefined): BalancedServer {
  return { service, server, condition: conditions[status] ?? 'unknown', wish, weight, sessions: currentSessions, check: checkStatus };
}

const conditions: Partial<Record<HaproxyStat['status'], ServerCondition>> = { 'UP': 'up', 'no check': 'up', 'NOLB': 'drain', 'DRAIN': 'drain', 'MAINT': 'maint', 'DOWN': 'down', 'STOP': 'down' };
