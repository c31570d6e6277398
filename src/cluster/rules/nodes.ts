import type { Finding } from '../_finding.ts';
import type { Rule } from './rule.ts';

/** A worker is a worker only: what its pods do must not slow down etcd or the API. Hosts of the control plane may be nodes beside that. Each node has a network for its pods. */
export const nodesFit: Rule = ({ spec: { hosts = [], networks } }) => {
  const wrong = hosts.flatMap(({ roles, kubelet }, position): readonly Finding[] => {
    if (roles === undefined) return [];
    const path = (field: string) => ['spec', 'hosts', position, field];
    const others = roles.filter((role) => role !== 'worker');
    const worker = roles.length > others.length;
    if (worker && others.length > 0) return [{ path: path('roles'), message: `a worker cannot be ${others.join(' or ')} too: pods would compete with the control plane for the host`, suggestion: 'give it the role worker alone, or take worker out' }];
    if (worker && kubelet !== undefined) return [{ path: path('kubelet'), message: 'a worker always has a kubelet; the field is for hosts of the control plane', suggestion: 'take it out' }];
    if (kubelet === true && !roles.includes('control-plane')) return [{ path: path('kubelet'), message: 'only a worker or a host with the role control-plane can be a node', suggestion: 'take it out, or give the host the role worker alone' }];
    return [];
  });
  const nodes = hosts.filter(({ roles, kubelet }) => roles?.includes('worker') || kubelet === true).length;
  const room = networks.pods === undefined ? Infinity : 2 ** (24 - Number(networks.pods.split('/')[1]));
  if (nodes <= room) return wrong;
  return [...wrong, { path: ['spec', 'networks', 'pods'], message: `${networks.pods} has room for ${room} node${room === 1 ? '' : 's'} (a /24 each), and there are ${nodes}`, suggestion: 'use a larger network' }];
};
