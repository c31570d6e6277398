import type { AnsweringBalancer, ServerCondition } from '../../src/operations/balancing/balancer.ts';
import type { ByHand } from '../../src/operations/balancing/by-hand.ts';

/** A balancer that was seen with these servers: `seenBalancer('lb1', { 'shop/w1': 'up' })`. */
export function seenBalancer(host: string, servers: Readonly<Record<string, ServerCondition>>, byHand: ByHand = {}): AnsweringBalancer {
  const all = Object.entries(servers).map(([name, condition]) => {
    const [service = '', server = ''] = name.split('/');
    return { service, server, condition, wish: byHand[name], weight: 100, sessions: 2, check: 'L7OK' };
  });
  return { host, servers: all, byHand, clusterId: undefined };
}
