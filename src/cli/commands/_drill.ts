import { join } from 'node:path';
import type { Cluster } from '../../cluster/cluster.ts';
import { findFaults } from '../../drills/faults/catalogue.ts';
import type { Fault } from '../../drills/faults/fault.ts';
import { removeNamespaces } from '../../drills/open-probe-plan.ts';
import type { DrillRun } from '../../drills/report/drill-run.ts';
import type { Stage } from '../../drills/stage.ts';
import type { Lab } from '../../lab/lab.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../../operations/operation.ts';

/** The faults of these ids. Throws `usage` where one is unknown, `lab-unsupported` where the cluster cannot have one. */
export function possibleFaults(ids: readonly string[], cluster: Cluster, lab: Lab | undefined): Fault[] {
  const chosen = findFaults(ids);
  const reasons = chosen.flatMap(({ id, obstacle }) => (obstacle(cluster, lab) === undefined ? [] : [`${id}: ${obstacle(cluster, lab)}`]));
  if (reasons.length > 0) throw new KubekeepError('lab-unsupported', `these machines cannot have ${reasons.join('; ')}`, { hint: 'kubekeep drill list says what each fault asks for.' });
  return chosen;
}

/** What is wrong already could not be told from what a drill finds. */
export async function refuseUnhealthy(stage: Stage): Promise<void> {
  const { name } = stage.operation.cluster;
  await stage.healthy(20).catch((cause: unknown) => {
    throw new KubekeepError('drill-refused', `${name} is not healthy, so nothing that a drill finds could be told from what is wrong already: ${(cause as Error).message}`, { hint: 'kubekeep status says what is wrong; kubekeep apply mends it.', cause });
  });
}

/** Removes what the runs wrote when they have ended, also after Ctrl-C; a note says so where the cluster cannot. Throws why they ended early. */
export async function tidied(stage: Stage, runs: () => Promise<void>): Promise<void> {
  const { signal, progress } = stage.operation;
  try {
    await runs();
  } catch (caught) {
    throw signal.aborted ? signal.reason : caught;
  } finally {
    await removeNamespaces(stage).catch((caught: Error) => progress({ type: 'note', title: `the namespaces of the runs are still there (kubectl get namespaces -l app.kubernetes.io/managed-by=kubekeep-drill): ${caught.message}` }));
  }
}

export function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new KubekeepError('usage', `${flag} wants a whole number from 1, not "${text}"`);
}

export function drillsFolder({ state }: Operation): string {
  return join(state.path, 'drills');
}

/** A run for a person who waits for more of them. */
export function sentence({ fault, lanes, verdicts, restored }: DrillRun): string {
  const gaps = lanes.filter(({ workload, door }) => workload === 'write' && door === 'VIP').map(({ connection, longestGap }) => `${connection} ${(longestGap / 1000).toFixed(2)} s`);
  const bad = verdicts.filter(({ state }) => state !== 'held').map(({ guarantee, state, found }) => `${guarantee} ${state}: ${found}`);
  return `${fault.id}: longest gap ${gaps.join(', ')}; ${bad.length === 0 ? 'every promise held' : bad.join('; ')}${restored ? '' : '; not healthy again'}`;
}
