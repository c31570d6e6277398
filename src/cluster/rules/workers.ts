import type { Finding } from '../_finding.ts';
import type { Rule } from './rule.ts';

/** A worker is a worker only: what its pods do must not slow down etcd or the API; and each has a network for its pods. */
export const workersFit: Rule = ({ spec: { hosts = [], networks } }) => {
  const mixed = hosts.flatMap(({ roles }, position): readonly Finding[] => {
    const others = (roles ?? []).filter((role) => role !== 'worker');
    if (!roles?.includes('worker') || others.length === 0) return [];
    return [{ path: ['spec', 'hosts', position, 'roles'], message: `a worker cannot be ${others.join(' or ')} too: pods would compete with the control plane for the host`, suggestion: 'give it the role worker alone, or take worker out' }];
  });
  const workers = hosts.filter(({ roles }) => roles?.includes('worker')).length;
  const room = networks.pods === undefined ? Infinity : 2 ** (24 - Number(networks.pods.split('/')[1]));
  if (workers <= room) return mixed;
  return [...mixed, { path: ['spec', 'networks', 'pods'], message: `${networks.pods} has room for ${room} worker${room === 1 ? '' : 's'} (a /24 each), and there are ${workers}`, suggestion: 'use a larger network' }];
};
