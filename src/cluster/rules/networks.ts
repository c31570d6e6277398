import type { Finding, Path } from '../_finding.ts';
import { ipv4Range, numberToIpv4, overlap } from '../ipv4.ts';
import { vipAddress } from './rule.ts';
import type { Draft, Rule } from './rule.ts';

/** The networks of pods and services are written as networks and overlap with nothing. */
export const networksAreApart: Rule = (draft) => {
  const { pods, services } = draft.spec.networks;
  return [
    ...startsAtItsFirstAddress('pods', pods),
    ...startsAtItsFirstAddress('services', services),
    ...(pods !== undefined && services !== undefined && overlap(pods, services)
      ? [{ path: ['spec', 'networks', 'services'], message: `the services' network ${services} overlaps with the pods' network ${pods}`, suggestion: 'give them networks of their own' }]
      : []),
    ...addresses(draft).flatMap(({ address, what, path }) => {
      if (address === undefined) return [];
      const name = pods !== undefined && overlap(pods, address) ? 'pods' : services !== undefined && overlap(services, address) ? 'services' : undefined;
      if (name === undefined) return [];
      return [{ path, message: `${what} ${address} lies in the network of the ${name} (${draft.spec.networks[name]})`, suggestion: `change spec.networks.${name} to a network that nothing else uses` }];
    }),
  ];
};

function startsAtItsFirstAddress(name: 'pods' | 'services', cidr: string | undefined): readonly Finding[] {
  if (cidr === undefined) return [];
  const right = `${numberToIpv4(ipv4Range(cidr).first)}/${cidr.split('/')[1]}`;
  return right === cidr ? [] : [{ path: ['spec', 'networks', name], message: `${cidr} is an address within a network and not a network`, suggestion: `did you mean ${right}?` }];
}

interface Address {
  readonly address: string | undefined;
  readonly what: string;
  readonly path: Path;
}

function addresses(draft: Draft): readonly Address[] {
  const { endpoint, hosts, services } = draft.spec;
  return [
    { address: vipAddress(draft), what: 'the VIP', path: ['spec', 'endpoint', 'vip'] },
    ...(endpoint.previousVips ?? []).map((address, position) => ({ address, what: 'the earlier VIP', path: ['spec', 'endpoint', 'previousVips', position] })),
    ...(services ?? []).map(({ listen }, position) => ({ address: listen.vip, what: "the service's VIP", path: ['spec', 'services', position, 'listen', 'vip'] })),
    ...(hosts ?? []).map(({ address }, position) => ({ address, what: "the host's address", path: ['spec', 'hosts', position, 'address'] })),
  ];
}
