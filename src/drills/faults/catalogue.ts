import { KubekeepError } from '../../lib/errors.ts';
import { agentFaults } from './agent-faults.ts';
import { dataFaults } from './data-faults.ts';
import { delayFaults } from './delay-faults.ts';
import { diskFaults } from './disk-faults.ts';
import type { Fault } from './fault.ts';
import { floodFaults } from './flood-faults.ts';
import { linkFaults } from './link-faults.ts';
import { loadFaults } from './load-faults.ts';
import { operatorFaults } from './operator-faults.ts';
import { plannedWork } from './planned-work.ts';
import { podFaults } from './pod-faults.ts';
import { powerFaults } from './power-faults.ts';
import { processFaults } from './process-faults.ts';
import { serverFaults } from './server-faults.ts';
import { serviceFaults } from './service-faults.ts';
import { strangerFaults } from './stranger-faults.ts';

/** Every fault, by component and id: E etcd, A API server, H HAProxy, K keepalived, N hosts and network, O operators, W services and their nodes. */
export const faults: readonly Fault[] = [
  ...processFaults, ...plannedWork, ...powerFaults, ...linkFaults, ...delayFaults, ...strangerFaults, ...serverFaults, ...loadFaults, ...floodFaults, ...dataFaults, ...diskFaults, ...operatorFaults, ...serviceFaults, ...podFaults, ...agentFaults,
].sort((a, b) => place(a) - place(b) || (a.id < b.id ? -1 : 1));

/** Faults by their ids, in that order. Throws `usage` with the nearest ids. */
export function findFaults(ids: readonly string[]): Fault[] {
  return ids.map((id) => {
    const found = faults.find((fault) => fault.id.toLowerCase() === id.toLowerCase());
    if (found) return found;
    const near = faults.map((fault) => fault.id).filter((other) => other[0]?.toLowerCase() === id[0]?.toLowerCase());
    throw new KubekeepError('usage', `there is no fault ${id}`, { hint: near.length > 0 ? `Nearest: ${near.join(', ')}. kubekeep drill list names all.` : 'kubekeep drill list names all.' });
  });
}

function place({ id }: Fault): number {
  return 'EAHKNOW'.indexOf(id[0]!);
}
