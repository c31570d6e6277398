import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import type { Host } from '../../hosts/host.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { carryVip } from './_carry-vip.ts';
import { measureClock } from './_measure-clock.ts';
import { probeScript } from './_probe-script.ts';
import { tryLinks } from './_try-links.ts';
import { judgeHosts } from './judge-hosts.ts';
import { parseProbe } from './probe.ts';
import type { Finding, HostsReport } from './report.ts';
import type { HostsToCheck, SeenHost, SeenHosts } from './seen-hosts.ts';

export interface CheckOptions {
  /** Only what takes about a second and cannot disturb: no disk speed, no connections between hosts, the VIP is not carried. */
  readonly quick?: boolean;
  /** A slow disk is a warning. */
  readonly slowDisk?: boolean;
}

/**
 * Looks at everything that matters before a host is touched, on all hosts at once, and judges it. A host that cannot be reached is a finding, not
 * an error. The hosts are as they were afterwards; what is tried on them ends by itself within seconds, also when kubekeep is killed.
 */
export async function checkHosts(operation: HostsToCheck, { quick = false, slowDisk = false }: CheckOptions = {}): Promise<HostsReport> {
  const { cluster, progress } = operation;
  progress({ type: 'started', title: `looking at ${cluster.hosts.length} hosts`, step: 'probe' });
  const entries = await parallel(cluster.hosts, async (spec) => [spec.name, await look(operation, spec, quick)] as const);
  let all: SeenHosts = { cluster, hosts: new Map(entries), quick, slowDisk };
  if (quick) return judgeHosts(all);
  const reached = cluster.hosts.filter(({ name }) => !('verdict' in all.hosts.get(name)!));
  progress({ type: 'started', title: 'connections between the hosts', step: 'links' });
  const links = await tryLinks(operation, reached, all);
  all = withSeen(all, (name) => ({ links: links.get(name) }));
  if (vipIsFree(all)) {
    progress({ type: 'started', title: `the VIP ${cluster.endpoint.vip} on each load balancer in turn`, step: 'vip' });
    const carried = await carryVip(operation, reached, all);
    all = withSeen(all, (name) => ({ carried: carried.get(name) }));
  }
  return judgeHosts(all);
}

async function look(operation: HostsToCheck, spec: HostSpec, quick: boolean): Promise<SeenHost | Finding> {
  const { cluster, hosts, clock, signal } = operation;
  const host = hosts.get(spec.name)!;
  try {
    const { stdout, stderr, timedOut } = await host.run(probeScript(cluster, spec, { quick }), { signal, timeout: 15_000 });
    const probe = parseProbe(stdout);
    if (!probe) return { verdict: 'refused', reason: timedOut ? 'looking at the host took more than 15 s' : `looking at the host failed: ${stderr.trim().split('\n').at(-1) ?? ''}` };
    return { probe, login: loginOf(spec), clock: await measureClock(host, clock, signal), links: undefined, carried: undefined };
  } catch (caught) {
    return asFinding(caught, host);
  }
}

/** Other errors than those of the host are thrown on. */
function asFinding(caught: unknown, host: Host): Finding {
  if (!(caught instanceof KubekeepError) || !['host-unreachable', 'host-key', 'host-login', 'host-unfit'].includes(caught.code)) throw caught;
  // Messages begin with "NAME (USER@ADDRESS): "; the host stands beside a finding.
  const reason = caught.message.startsWith(`${host.name} (`) ? caught.message.replace(/^.*?\): /, '') : caught.message;
  return { verdict: 'refused', reason, ...(caught.hint && { hint: caught.hint }) };
}

function loginOf({ ssh }: HostSpec): string {
  return ssh.user === 'root' ? 'root' : `${ssh.user}, sudo`;
}

function withSeen(all: SeenHosts, more: (name: string) => Partial<SeenHost>): SeenHosts {
  return { ...all, hosts: new Map([...all.hosts].map(([name, seen]) => [name, 'verdict' in seen ? seen : { ...seen, ...more(name) }])) };
}

/** Nobody has the VIP or answers for it, as far as can be told. */
function vipIsFree({ cluster, hosts }: SeenHosts): boolean {
  const { vip } = cluster.endpoint;
  const seen = [...hosts.values()].flatMap((one) => ('verdict' in one ? [] : [one.probe]));
  const asked = hostsWith(cluster, 'load-balancer').some(({ name }) => {
    const one = hosts.get(name);
    return one && 'probe' in one && one.probe.arp && !('failed' in one.probe.arp);
  });
  return asked && seen.every(({ addresses, arp }) => !addresses.some(({ address }) => address === vip) && (!arp || 'failed' in arp || (arp.get(vip) ?? []).length === 0));
}
