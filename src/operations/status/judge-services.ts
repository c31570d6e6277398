import { hostsWith } from '../../cluster/cluster.ts';
import { backendOf, nodesOf, type ServiceSpec } from '../../cluster/service.ts';
import { reachable, type BackendFact } from '../facts.ts';
import { holdersOf, vipMoves } from '../balancing/vip-moves.ts';
import { leadsTo, serviceProblems } from '../plan/service-problems.ts';
import type { Finding, ServiceStatus } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';
import { list } from './words.ts';

/** The services behind the balancers: who has their VIPs, and which nodes serve them. */
export function judgeServices(observation: Observation): Judged<readonly ServiceStatus[]> & { readonly notes: readonly string[] } {
  const { cluster, services } = observation;
  const judged = cluster.services.map((service) => {
    const known = serviceProblems({ ...cluster, services: [service] }, services);
    const { status, findings, servers } = judgeService(service, observation);
    return { status, findings: [...known, ...findings, ...(known.length > 0 ? [] : servers)] };
  });
  return { status: judged.map(({ status }) => status), findings: judged.flatMap(({ findings }) => findings), notes: movedNotes(observation) };
}

/** No fault: nobody takes a VIP back by itself, since that would be an interruption. */
function movedNotes({ cluster, facts }: Observation): string[] {
  const moves = vipMoves(cluster, facts);
  if (moves.length === 0) return [];
  const where = moves.map(({ vip, services, from, to }) => `${vip} (${services.join(', ')}) is on ${from} and not on ${to}`).join('; ');
  return [`the VIPs of services are not spread as they should be: ${where}; kubekeep lb rebalance moves ${moves.length === 1 ? 'it' : 'them'}`];
}

function judgeService(service: ServiceSpec, { cluster, facts, services }: Observation): Judged<ServiceStatus> & { readonly servers: readonly Finding[] } {
  const { name, listen: { vip, port } } = service;
  const seen = hostsWith(cluster, 'load-balancer').flatMap((host) => {
    const found = facts.hosts.get(host.name);
    return reachable(found) ? [{ host: host.name, found }] : [];
  });
  const views = seen.flatMap(({ host, found }) => {
    const servers = (found.serviceServers ?? []).filter(({ backend }) => backend === backendOf(name));
    return servers.length > 0 ? [{ host, servers }] : [];
  });
  const holders = holdersOf(cluster, facts, vip);
  const status: ServiceStatus = {
    name,
    vip,
    port,
    holders,
    leadsTo: services?.get(name)?.name ?? leadsTo(service.forward),
    nodes: nodesOf(service, cluster.hosts).length,
    up: views.map(({ host, servers }) => ({ host, nodes: servers.filter(({ status: word }) => word === 'UP').length })),
  };
  const complete = seen.length === hostsWith(cluster, 'load-balancer').length;
  return { status, findings: holderFindings(status, vip === cluster.endpoint.vip, complete), servers: serverFindings(service, views) };
}

/** The endpoint's VIP is spoken of with the endpoint. */
function holderFindings({ name, vip, holders }: ServiceStatus, isEndpoint: boolean, complete: boolean): Finding[] {
  if (isEndpoint || (holders.length === 0 && !complete)) return [];
  const next = 'Look at journalctl -u kubekeep-service-vips on the load balancers.';
  if (holders.length > 1) return [{ message: `${list(holders)} both hold the VIP ${vip} of service ${name}`, next }];
  return holders.length === 0 ? [{ message: `no load balancer holds the VIP ${vip} of service ${name}`, next: `kubekeep apply, where it has just been added; else: ${next}` }] : [];
}

/** Balancers that have no node to use, and the word of a check of theirs. */
function serverFindings({ name, check }: ServiceSpec, views: readonly { readonly host: string; readonly servers: readonly BackendFact[] }[]): Finding[] {
  const without = views.filter(({ servers }) => !servers.some(({ status }) => status === 'UP'));
  if (without.length === 0) return [];
  const checked = without[0]!.servers.find(({ lastCheckText = '' }) => lastCheckText !== '');
  const what = typeof check === 'object' ? `${check.http.path} with ${check.http.expect}` : check === 'local' ? "kube-proxy's check" : 'connections';
  const reason = checked ? `: ${checked.server} says ${checked.lastCheckText!.trim()} (${checked.lastCheck})` : '';
  return [{ message: `service ${name} has no node that answers ${what}, seen from ${list(without.map(({ host }) => host))}${reason}`, next: 'Check the pods and, where it is a path, check.http in the cluster file.' }];
}
