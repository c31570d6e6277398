import type { Host } from '../../hosts/host.ts';
import type { Hosts } from '../../operations/observe.ts';
import type { OperatorMutant } from './mutant.ts';

/** What a step asks of its host before it changes anything. */
const comparison = /^grep -q \S+ \S+\/lock 2>\/dev\/null \|\| exit 75$/m;

/** A lease alone does not hold back what its owner had begun before it was paused. */
export const lockWithoutFence: OperatorMutant = {
  kind: 'operator',
  id: 'M14',
  title: 'a step on a host does not compare the lock\'s token',
  caughtBy: 'C-fence',
  spoiled: (hosts: Hosts): Hosts => new Map([...hosts].map(([name, host]) => [name, withoutComparison(host)])),
};

function withoutComparison(host: Host): Host {
  return { ...host, run: (script, options) => host.run(script.replace(comparison, ''), options) };
}
