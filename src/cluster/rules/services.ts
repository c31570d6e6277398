import type { Finding, Path } from '../_finding.ts';
import { apiService } from '../service.ts';
import { ipv4Range, ipv4ToNumber, numberToIpv4, overlap } from '../ipv4.ts';
import { reservedFor, takenPort } from './endpoint.ts';
import { vipAddress } from './rule.ts';
import type { Draft, Rule } from './rule.ts';

type ServiceDraft = NonNullable<Draft['spec']['services']>[number];

/** A service listens where nobody else does, leads to one node port, and has nodes. */
export const servicesFit: Rule = (draft) => (draft.spec.services ?? []).flatMap((service, position, all) => {
  const path = ['spec', 'services', position];
  return [...nameIsNew(service, path, all.slice(0, position)), ...vipIsFree(service, path, draft), ...portIsFree(service, path, draft, all.slice(0, position)), ...leadsSomewhere(service, path, draft), ...hasNodes(service, path, draft)];
});

function nameIsNew({ name }: ServiceDraft, path: Path, before: readonly ServiceDraft[]): readonly Finding[] {
  if (name === apiService) return [{ path: [...path, 'name'], message: `the name ${apiService} is the one of the API servers`, suggestion: 'take another one' }];
  const earlier = name === undefined ? -1 : before.findIndex((other) => other.name === name);
  return earlier < 0 ? [] : [{ path: [...path, 'name'], message: `the name ${name} is taken by spec.services[${earlier}] already`, suggestion: 'every service needs its own' }];
}

function vipIsFree({ listen: { vip } }: ServiceDraft, path: Path, draft: Draft): readonly Finding[] {
  if (vip === undefined || vip === vipAddress(draft)) return [];
  const at = (message: string, suggestion: string): readonly Finding[] => [{ path: [...path, 'listen', 'vip'], message, suggestion }];
  const { endpoint, hosts } = draft.spec;
  const host = (hosts ?? []).findIndex(({ address }) => address === vip);
  if (host >= 0) return at(`${vip} is the address of spec.hosts[${host}]; a VIP must be an address that no host has`, 'take a free address of the same subnet');
  if (endpoint.previousVips?.includes(vip)) return at(`${vip} is an earlier VIP of the API and cannot be one of a service too`, 'take it out of spec.endpoint.previousVips, or take another address');
  const special = reservedFor(vip);
  if (special) return at(`a service cannot listen at ${vip}: ${special}`, 'take a free address of the subnet of the VIP');
  if (endpoint.vip === undefined || endpoint.vip.endsWith('/32')) return [];
  const { first, last } = ipv4Range(endpoint.vip);
  if (!overlap(endpoint.vip, vip)) return at(`${vip} is outside of the subnet of the load balancers (${endpoint.vip}), so nobody would reach it there`, `${numberToIpv4(first + 1)} to ${numberToIpv4(last - 1)} are possible`);
  const bits = ipv4ToNumber(vip);
  return last - first > 1 && (bits === first || bits === last) ? at(`${vip} is the ${bits === first ? 'network' : 'broadcast'} address of its subnet and cannot be a VIP`, `${numberToIpv4(first + 1)} to ${numberToIpv4(last - 1)} are possible`) : [];
}

function portIsFree({ listen }: ServiceDraft, path: Path, draft: Draft, before: readonly ServiceDraft[]): readonly Finding[] {
  const { port } = listen;
  if (port === undefined) return [];
  const at = (message: string, suggestion: string): readonly Finding[] => [{ path: [...path, 'listen', 'port'], message, suggestion }];
  const endpoint = vipAddress(draft);
  const vip = listen.vip ?? endpoint;
  if (vip === endpoint && port === draft.spec.endpoint.port) return at(`port ${port} of ${vip} is the one of the API`, 'take another port, or give the service a VIP of its own');
  const earlier = before.findIndex((other) => other.listen.port === port && (other.listen.vip ?? endpoint) === vip);
  if (earlier >= 0) return at(`port ${port} of ${vip} is taken by spec.services[${earlier}] already`, 'take another port or another VIP');
  const taken = takenPort(port, draft);
  return taken === undefined ? [] : at(`port ${port} is the one of ${taken} on the load balancers`, 'take another port');
}

function leadsSomewhere({ forward: { nodePort, service } }: ServiceDraft, path: Path, { spec }: Draft): readonly Finding[] {
  const at = (message: string, suggestion: string, field?: string): readonly Finding[] => [{ path: field ? [...path, 'forward', field] : [...path, 'forward'], ...(!field && { at: 'name' as const }), message, suggestion }];
  if (nodePort !== undefined && service !== undefined) return at('a service leads to a nodePort or to a Service, not to both', 'keep one of them');
  if (nodePort === undefined && service === undefined) return at('the service leads nowhere', 'add nodePort: PORT, or service: NAMESPACE/NAME:PORT');
  if (nodePort === undefined) return [];
  const range = spec.kubernetes.apiServer.extraFlags['service-node-port-range'] ?? '30000-32767';
  const [, from = '', sign, to = ''] = /^(\d+)([-+])(\d+)$/.exec(range) ?? [];
  const [first, last] = [Number(from), sign === '+' ? Number(from) + Number(to) : Number(to)];
  return from !== '' && (nodePort < first || nodePort > last) ? at(`node port ${nodePort} is outside of the range that the API server gives out (${range})`, `take one of ${first} to ${last}`, 'nodePort') : [];
}

function hasNodes({ nodes: { labels } }: ServiceDraft, path: Path, { spec: { hosts } }: Draft): readonly Finding[] {
  // Where a role could not be understood, counting would blame the wrong thing.
  if (hosts === undefined || hosts.some(({ roles }) => roles === undefined || roles.includes(undefined))) return [];
  const workers = hosts.filter(({ roles }) => roles?.includes('worker'));
  if (workers.length === 0) return [{ path: [...path, 'nodes'], at: 'name', message: 'no host has the role worker, so the service has no node', suggestion: 'add a host with roles: [worker]' }];
  const unmatched = Object.entries(labels).filter(([name, value]) => !workers.some((host) => host.labels[name] === value));
  const [one] = unmatched;
  if (one) return [{ path: [...path, 'nodes', 'labels', one[0]], message: `no worker has the label ${one[0]}: ${one[1]}`, suggestion: 'give it to a worker under hosts[].labels, or correct it' }];
  const every = workers.some((host) => Object.entries(labels).every(([name, value]) => host.labels[name] === value));
  return every ? [] : [{ path: [...path, 'nodes', 'labels'], message: 'no worker has all of these labels', suggestion: 'give them to a worker under hosts[].labels, or take one out' }];
}
