import { endpointVips, hostsWith } from '../../cluster/cluster.ts';
import { serviceVips } from '../../cluster/service.ts';
import { serviceVipsUnit } from '../../render/paths.ts';
import { probesOf, type Subject, type TriedLink } from './seen-hosts.ts';
import type { Finding, Judged } from './report.ts';

/** The VIP belongs to nobody else, and every balancer can carry it. */
export function judgeVip(subject: Subject): Judged | undefined {
  const { spec, seen, all } = subject;
  if (!spec.roles.includes('load-balancer')) return undefined;
  const { vip } = all.cluster.endpoint;
  const findings: Finding[] = [];
  const { arp } = seen.probe;
  if (arp && 'failed' in arp) findings.push({ verdict: 'unknown', reason: `it could not be asked who has ${vip}: ${arp.failed}` });
  const holder = holderOf(subject);
  for (const address of [...endpointVips(all.cluster), ...serviceVips(all.cluster)]) {
    const held = seen.probe.addresses.some((one) => one.address === address);
    if (held && !keepsVip(subject, spec.name, address)) findings.push({ verdict: 'refused', reason: `${address} is on the host already, and not put there by kubekeep`, hint: `ip address del ${address}/PREFIX dev INTERFACE, and take it out of the network settings.` });
    const strangers = arp && !('failed' in arp) ? (arp.get(address) ?? []).filter((mac) => !isKeeper(subject, mac, address)) : [];
    if (strangers.length > 0) findings.push({ verdict: 'refused', reason: `${address} is in use: ${strangers.join(' and ')} answers for it`, hint: 'Choose another VIP, or switch off who has it.' });
  }
  const { carried } = seen;
  if (carried?.failed) findings.push({ verdict: 'refused', reason: `the host cannot carry ${vip}: ${carried.failed}`, hint: 'Give hosts[].interface where it is not the one of the address.' });
  const deaf = carried?.callers.filter(({ answer }) => answer !== 'reached') ?? [];
  if (!carried?.failed && deaf.length > 0) {
    findings.push({
      verdict: 'refused',
      reason: `with ${vip} on this host, ${deaf.map(({ host, answer }) => `${host} does not reach it (${answer})`).join('; ')}`,
      hint: 'Clouds and routed networks do not let an address move between hosts by ARP; a VIP does not work there.',
    });
  }
  const reached = carried && !carried.failed && deaf.length === 0 && carried.callers.length > 0;
  return { found: findings.some(({ verdict }) => verdict === 'refused') ? 'not usable' : holder ? `held by ${holder}` : reached ? `free, reached from ${carried.callers.length}` : 'free', findings };
}

/** Other users of VRRP in the network, and whether one has our id. */
export function judgeRouters({ spec, seen: { probe }, all }: Subject): Judged | undefined {
  const { vrrp } = probe;
  if (!spec.roles.includes('load-balancer') || !vrrp) return undefined;
  if ('failed' in vrrp) return { found: 'not heard', findings: [{ verdict: 'unknown', reason: `it could not be listened for other VRRP routers: ${vrrp.failed}` }] };
  const own = new Set(all.cluster.hosts.map(({ address }) => address));
  const foreign = vrrp.filter(({ from }) => !own.has(from));
  const id = [...probesOf(all).values()].find(({ identity }) => identity?.cluster === all.cluster.name)?.identity?.virtualRouterId;
  const clashes = foreign.filter((router) => router.id === id);
  return {
    found: foreign.length === 0 ? 'no others' : `ids ${[...new Set(foreign.map((router) => router.id))].sort((a, b) => a - b).join(', ')} in use`,
    findings: clashes.map(({ from }) => ({ verdict: 'refused', reason: `${from} uses this cluster's VRRP id ${id}`, hint: 'Give the other router another virtual_router_id.' })),
  };
}

/** Etcd's tuning guide: an election time-out of at least ten round trips, heartbeats of about one. */
const tripsPerElection = 10;

/** Host-to-host connections that the roles need. */
export function judgeLinks({ spec, seen: { links, probe }, all: { cluster } }: Subject): Judged | undefined {
  if (!links) return undefined;
  const findings = links.filter(({ answer }) => answer !== 'open').map(({ to, what, port, answer }): Finding => {
    const route = `${what} from ${spec.name} to ${to} (${port === 'vrrp' ? 'IP protocol 112' : `TCP ${port}`})`;
    if (answer === 'unknown') return { verdict: 'unknown', reason: `${route} could not be tried` };
    return { verdict: 'refused', reason: `${route}: ${answer}`, hint: probe.firewall ? `Open it in ${probe.firewall}, on both hosts.` : 'Open it in the firewalls between the hosts.' };
  });
  const found = links.length === 0 ? 'none needed' : `${links.length - findings.length} of ${links.length} open`;
  return { found, findings: [...findings, ...tooFarForEtcd(spec.name, links, cluster.etcd.electionTimeout)] };
}

function tooFarForEtcd(from: string, links: readonly TriedLink[], electionTimeout: number): Finding[] {
  const [farthest] = links.filter(({ what, roundTrip }) => what === 'etcd' && roundTrip !== undefined).sort((a, b) => b.roundTrip! - a.roundTrip!);
  if (!farthest || farthest.roundTrip! * tripsPerElection <= electionTimeout) return [];
  const heartbeat = Math.ceil(farthest.roundTrip! / 50) * 50;
  return [{
    verdict: 'warning',
    reason: `the way from ${from} to ${farthest.to} and back takes ${farthest.roundTrip!.toFixed(0)} ms, more than a tenth of etcd's election time-out of ${electionTimeout} ms: it may elect anew without a cause`,
    hint: `Set spec.etcd.heartbeatInterval to ${heartbeat} and electionTimeout to ${heartbeat * tripsPerElection}, or use hosts that are nearer to each other.`,
  }];
}

/** The host that keepalived of kubekeep holds the VIP on. */
function holderOf({ all, ...subject }: Subject): string | undefined {
  const { vip } = all.cluster.endpoint;
  return hostsWith(all.cluster, 'load-balancer').map(({ name }) => name).find((name) => keepsVip({ all, ...subject }, name, vip) && probesOf(all).get(name)!.addresses.some(({ address }) => address === vip));
}

function keepsVip({ all }: Subject, name: string, address: string): boolean {
  const keepalived = serviceVips(all.cluster).includes(address) ? serviceVipsUnit : 'kubekeep-keepalived.service';
  return probesOf(all).get(name)?.units.some(({ unit, ours, active }) => unit === keepalived && ours && active) === true;
}

/** A MAC of one of our own hosts that holds the address by kubekeep. */
function isKeeper(subject: Subject, mac: string, address: string): boolean {
  return [...probesOf(subject.all)].some(([name, probe]) => [...probe.links.values()].includes(mac) && keepsVip(subject, name, address) && probe.addresses.some((one) => one.address === address));
}
