import type { HostSpec } from '../../cluster/cluster.ts';
import { quote } from '../../hosts/quote.ts';
import { parallel } from '../../lib/parallel.ts';
import { probesOf, type CarriedVip, type HostsToCheck, type SeenHosts } from './seen-hosts.ts';
import { answerForVip, callVip } from './_perl.ts';

/** Seconds that a balancer carries the VIP at most, and the callers try. */
const carrying = 2.8;
const calling = 2.4;

/**
 * Puts the VIP on each balancer in turn for a moment and lets every other host call it. The kernel takes the address away by itself after a few
 * seconds, whatever becomes of us. To be used only where nobody has the VIP.
 */
export async function carryVip(operation: HostsToCheck, reached: readonly HostSpec[], all: SeenHosts): Promise<Map<string, CarriedVip>> {
  const carried = new Map<string, CarriedVip>();
  for (const carrier of reached.filter(({ roles }) => roles.includes('load-balancer'))) {
    carried.set(carrier.name, await carryOn(operation, carrier, reached.filter((one) => one !== carrier), all));
  }
  return carried;
}

async function carryOn({ cluster, hosts, signal }: HostsToCheck, carrier: HostSpec, callers: readonly HostSpec[], all: SeenHosts): Promise<CarriedVip> {
  const { vip, port } = cluster.endpoint;
  const name = carrier.interface ?? probesOf(all).get(carrier.name)?.addresses.find(({ address }) => address === carrier.address)?.interface;
  if (name === undefined) return { failed: `no interface has the address ${carrier.address}`, callers: [] };
  const [answering, answers] = await Promise.all([
    hosts.get(carrier.name)!.run(carryScript(name, [String(carrying), vip, String(port), carrier.name, String(callers.length)]), { signal, timeout: 6000 }),
    parallel(callers, async (caller) => {
      const { stdout } = await hosts.get(caller.name)!.run(`perl -e ${quote(callVip)} ${[vip, String(port), String(calling), carrier.name].map(quote).join(' ')}`, { signal, timeout: 6000 });
      const [word, why] = stdout.trim().split('\t');
      return { host: caller.name, answer: word === 'reached' ? 'reached' : (why ?? 'no answer') };
    }),
  ]);
  return { ...(answering.exitCode !== 0 && { failed: answering.stderr.trim().split('\n').at(-1) ?? 'unknown' }), callers: answers };
}

function carryScript(name: string, [seconds, vip, ...rest]: readonly string[]): string {
  return `v=${quote(`${vip!}/32`)}; i=${quote(name)}
trap 'ip address del "$v" dev "$i" 2> /dev/null; exit 1' INT TERM HUP
ip address add "$v" dev "$i" valid_lft 6 preferred_lft 6 || exit 1
perl -e ${quote(answerForVip)} ${[name, seconds!, vip!, ...rest].map(quote).join(' ')}
s=$?; ip address del "$v" dev "$i" 2> /dev/null; exit $s`;
}
