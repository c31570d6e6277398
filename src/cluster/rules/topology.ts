import type { Finding } from '../_finding.ts';
import type { Role } from '../cluster.ts';
import type { Rule } from './rule.ts';

/** Every role has hosts, and the number of etcd members is one that a majority can be had of. */
export const topologyHolds: Rule = ({ spec: { hosts } }) => {
  // Where a role could not be understood, counting would blame the wrong thing.
  if (hosts === undefined || hosts.length === 0 || hosts.some(({ roles }) => roles === undefined || roles.length === 0 || roles.includes(undefined))) return [];
  const count = (role: Role) => hosts.filter(({ roles }) => (roles as readonly Role[]).includes(role)).length;
  const at = (message: string, suggestion: string): Finding => ({ path: ['spec', 'hosts'], at: 'name', message, suggestion });
  return [
    ...etcdMembers(count('etcd'), at),
    ...(count('control-plane') === 0 ? [at('no host has the role control-plane, so there would be no API server', 'give it to at least one host')] : []),
    ...(count('load-balancer') === 0 ? [at('no host has the role load-balancer, so nothing would hold the VIP', 'give it to at least one host, better to two')] : []),
  ];
};

function etcdMembers(members: number, at: (message: string, suggestion: string) => Finding): readonly Finding[] {
  if (members === 0) return [at('no host has the role etcd, so there would be nowhere to keep data', 'give it to one, three or five hosts')];
  if (members > 7) return [at(`${members} hosts have the role etcd; more than seven only make every write slower`, 'use three or five')];
  if (members % 2 === 1) return [];
  const survives = members / 2 - 1;
  return [at(`${members} hosts have the role etcd; an even number survives the loss of ${survives === 0 ? 'none' : `no more than ${survives}`}, as ${members - 1} do`, `use ${members - 1} or ${members + 1}`)];
}
