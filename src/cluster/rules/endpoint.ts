import { showPath } from '../_finding.ts';
import type { Finding, Path } from '../_finding.ts';
import { ipv4Range, ipv4ToNumber, numberToIpv4, overlap } from '../ipv4.ts';
import { vipAddress } from './rule.ts';
import type { Draft, Rule } from './rule.ts';

/** The VIP is an address of its own that every load balancer can carry. */
export const endpointFits: Rule = (draft) => [...vipIsFree(draft), ...vipIsUsable(draft), ...vipCanBeCarried(draft), ...portIsFree(draft), ...addressesAreUsable(draft)];

function vipIsFree(draft: Draft): readonly Finding[] {
  const { endpoint, hosts } = draft.spec;
  const vips = [
    { address: vipAddress(draft), path: ['spec', 'endpoint', 'vip'] as Path },
    ...(endpoint.previousVips ?? []).map((address, position) => ({ address, path: ['spec', 'endpoint', 'previousVips', position] as Path })),
  ];
  return vips.flatMap(({ address, path }, position) => {
    const host = address === undefined ? -1 : (hosts ?? []).findIndex((one) => one.address === address);
    if (host >= 0) return [{ path, message: `${address} is the address of spec.hosts[${host}]; a VIP must be an address that no host has`, suggestion: 'take a free address of the same subnet' }];
    if (position > 0 && address !== undefined && address === vips[0]!.address) return [{ path, message: `${address} is the VIP of now and cannot be an earlier one too`, suggestion: 'take it out of previousVips' }];
    return [];
  });
}

function vipIsUsable({ spec: { endpoint } }: Draft): readonly Finding[] {
  if (endpoint.vip === undefined || Number(endpoint.vip.split('/')[1]) > 30) return [];
  const [address = ''] = endpoint.vip.split('/');
  const { first, last } = ipv4Range(endpoint.vip);
  const bits = ipv4ToNumber(address);
  if (bits !== first && bits !== last) return [];
  const path = ['spec', 'endpoint', 'vip'];
  return [{ path, message: `${address} is the ${bits === first ? 'network' : 'broadcast'} address of its subnet and cannot be a VIP`, suggestion: `${numberToIpv4(first + 1)} to ${numberToIpv4(last - 1)} are possible` }];
}

function vipCanBeCarried({ spec: { endpoint, hosts } }: Draft): readonly Finding[] {
  const { vip } = endpoint;
  if (vip === undefined) return [];
  return (hosts ?? []).flatMap(({ address, roles, interface: given }, position) => {
    if (address === undefined || given !== undefined || !roles?.includes('load-balancer') || overlap(vip, address)) return [];
    const path = ['spec', 'hosts', position, 'address'];
    return [{ path, message: `${address} is outside of the VIP's subnet (${vip}), so the interface that carries the VIP cannot be found`, suggestion: "correct the address or the VIP's prefix length, or name the interface" }];
  });
}

/** Other programs on the load balancers listen on these ports at all addresses, or would on a host with all roles. */
const takenPorts: ReadonlyMap<number, string> = new Map([[2379, 'etcd'], [2380, 'etcd'], [2381, 'etcd'], [2382, 'etcd'], [9732, 'what says the load of a host'], [10250, 'the kubelet'], [10256, 'kube-proxy'], [10257, 'kube-controller-manager'], [10259, 'kube-scheduler']]);

function portIsFree(draft: Draft): readonly Finding[] {
  const { port } = draft.spec.endpoint;
  const taken = port === undefined ? undefined : takenPort(port, draft);
  return taken === undefined ? [] : [{ path: ['spec', 'endpoint', 'port'], message: `port ${port} is the one of ${taken} on the hosts`, suggestion: '6443 is usual' }];
}

/** Whose port it is at all addresses of a host that has all roles, or undefined. */
export function takenPort(port: number, { spec: { ssh, hosts } }: Draft): string | undefined {
  return (hosts ?? []).some((host) => (host.ssh.port ?? ssh.port) === port) ? 'SSH' : takenPorts.get(port);
}

const special: readonly (readonly [network: string, what: string])[] = [
  ['0.0.0.0/8', '"this network"'],
  ['127.0.0.0/8', 'the loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
];

function addressesAreUsable(draft: Draft): readonly Finding[] {
  const { endpoint, hosts } = draft.spec;
  const addresses: readonly (readonly [Path, string | undefined])[] = [
    [['spec', 'endpoint', 'vip'], vipAddress(draft)],
    ...(endpoint.previousVips ?? []).map((address, position) => [['spec', 'endpoint', 'previousVips', position], address] as const),
    ...(hosts ?? []).map(({ address }, position) => [['spec', 'hosts', position, 'address'], address] as const),
  ];
  return addresses.flatMap(([path, address]) => {
    const found = address === undefined ? undefined : reservedFor(address);
    return found === undefined ? [] : [{ path, message: `${showPath(path)} cannot be ${address}: ${found}` }];
  });
}

/** What an address is kept for that no host can have, as "NETWORK is WHAT", or undefined. */
export function reservedFor(address: string): string | undefined {
  return special.filter(([network]) => overlap(network, address)).map((one) => one.join(' is '))[0];
}
