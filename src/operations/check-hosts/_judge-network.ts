import { endpointVips, isNode } from '../../cluster/cluster.ts';
import type { Subject } from './seen-hosts.ts';
import type { Listener } from './probe.ts';
import type { Finding, Judged } from './report.ts';

/** Does the host have the address that the file gives it, and can the VIP stand beside it? */
export function judgeAddresses({ spec, seen: { probe }, all: { cluster } }: Subject): Judged {
  const own = probe.addresses.find(({ address }) => address === spec.address);
  const findings: Finding[] = [];
  if (!own) findings.push({ verdict: 'refused', reason: `no interface has the address ${spec.address}`, hint: 'hosts[].address is the address that the other hosts use; where SSH reaches the host by another one, give hosts[].ssh.address.' });
  if (spec.interface !== undefined && !probe.links.has(spec.interface)) findings.push({ verdict: 'refused', reason: `there is no interface ${spec.interface}`, hint: `It has ${[...probe.links.keys()].filter((name) => name !== 'lo').join(', ')}.` });
  const inSubnet = probe.addresses.some(({ address, prefix }) => network(address, prefix) === network(cluster.endpoint.vip, prefix) && address !== cluster.endpoint.vip && prefix < 32);
  if (spec.roles.includes('load-balancer') && own && !inSubnet) findings.push({ verdict: 'warning', reason: `the VIP ${cluster.endpoint.vip} is in none of the host's subnets; others find it only where routes lead there` });
  return { found: own ? `${spec.address} on ${spec.interface ?? own.interface}` : `not ${spec.address}`, findings };
}

/** Every port that the host's roles need is free, or held by our own service. */
export function judgePorts({ spec, seen: { probe }, all: { cluster } }: Subject): Judged {
  const vips = endpointVips(cluster);
  const needs: readonly { unit: string; port: number; addresses: readonly string[] }[] = [
    ...(spec.roles.includes('etcd') ? [2379, 2380, 2381].map((port) => ({ unit: 'etcd.service', port, addresses: [spec.address, '127.0.0.1'] })) : []),
    ...(spec.roles.includes('control-plane')
      ? [
          { unit: 'kube-apiserver.service', port: 6443, addresses: [spec.address] },
          { unit: 'kube-controller-manager.service', port: 10257, addresses: ['127.0.0.1'] },
          { unit: 'kube-scheduler.service', port: 10259, addresses: ['127.0.0.1'] },
        ]
      : []),
    ...(spec.roles.includes('load-balancer')
      ? [
          { unit: 'kubekeep-haproxy.service', port: cluster.endpoint.port, addresses: vips },
          { unit: 'kubekeep-haproxy.service', port: 8404, addresses: ['127.0.0.1'] },
        ]
      : []),
    ...(isNode(spec)
      ? [
          { unit: 'kubelet.service', port: 10250, addresses: [spec.address] },
          { unit: 'kubelet.service', port: 10248, addresses: ['127.0.0.1'] },
          { unit: 'kube-proxy.service', port: 10249, addresses: ['127.0.0.1'] },
          { unit: 'kube-proxy.service', port: 10256, addresses: [spec.address] },
        ]
      : []),
  ];
  const ours = new Set(probe.units.filter((unit) => unit.ours).map(({ unit }) => unit));
  const blocked = needs.flatMap(({ unit, port, addresses }) =>
    probe.listeners.filter((one) => one.port === port && addresses.some((address) => collides(one, address)) && !(ours.has(unit) && one.by === unit)).map((listener) => ({ port, listener, unit })),
  );
  const findings = blocked.map(({ port, listener, unit }): Finding => ({
    verdict: 'refused',
    reason: `port ${port} of ${unit} is taken by ${listener.by || 'somebody'} (on ${listener.address})`,
    hint: `Stop ${listener.by || 'what listens there'}, or take the role away from the host.`,
  }));
  const held = new Set(needs.filter(({ unit, port }) => ours.has(unit) && probe.listeners.some((one) => one.port === port && one.by === unit)).map(({ port }) => port));
  const ports = [...new Set(needs.map(({ port }) => port))];
  return { found: findings.length > 0 ? `${findings.map(({ reason }) => /\d+/.exec(reason)?.[0]).join(', ')} taken` : held.size === ports.length && ports.length > 0 ? 'held by kubekeep' : `${ports.length - held.size} of ${ports.length} free`, findings };
}

function collides({ address }: Listener, wanted: string): boolean {
  return address === wanted || ['*', '0.0.0.0', '[::]'].includes(address);
}

/** Number of the network that an IPv4 address is in. */
function network(address: string, prefix: number): number {
  return Math.floor(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) / 2 ** (32 - prefix));
}
