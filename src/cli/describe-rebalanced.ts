import type { Rebalanced } from '../operations/balancing/rebalance.ts';
import { textTable } from './text-table.ts';

/** Which VIP of services goes where, or went. */
export function describeRebalanced({ moves, performed }: Rebalanced): string {
  if (moves.length === 0) return 'The VIPs of services are spread as they should be.';
  const rows = moves.map(({ vip, services, from, to }) => [vip, services.join(', '), from, to]);
  return [
    textTable([['VIP', 'SERVICES', 'FROM', 'TO'], ...rows]),
    performed ? 'The VIPs of services are spread as they should be now.' : 'Each is away for some milliseconds: what connects just then waits a second, and connections that are open through it end.',
  ].join('\n');
}
