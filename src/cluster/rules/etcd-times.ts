import type { Rule } from './rule.ts';

/** etcd asks for at least five heartbeats per election time-out, and for less than 50 s. */
export const etcdTimesFit: Rule = ({ spec: { etcd } }) => {
  const { heartbeatInterval: heartbeat, electionTimeout: election } = etcd;
  if (heartbeat === undefined || election === undefined || election >= 5 * heartbeat) return [];
  const path = ['spec', 'etcd', 'electionTimeout'];
  return [{ path, message: `an election time-out of ${election} ms is less than five times the heartbeat interval of ${heartbeat} ms`, suggestion: 5 * heartbeat <= 50_000 ? `use at least ${Math.max(500, 5 * heartbeat)}` : 'use a shorter heartbeat interval' }];
};
