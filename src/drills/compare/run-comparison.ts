import { join } from 'node:path';
import type { Fault } from '../faults/fault.ts';
import { openProbePlan, removeNamespaces } from '../open-probe-plan.ts';
import type { DrillRun } from '../report/drill-run.ts';
import { runDrill } from '../run-drill.ts';
import { switchOff, switchOn, type Contender } from './contender.ts';

export interface ComparisonOptions {
  readonly faults: readonly Fault[];
  /** Runs of each fault in each set-up. */
  readonly count: number;
  readonly seed: number;
  /** Folder of all drills of the cluster. */
  readonly folder: string;
  onRun(run: DrillRun): void;
}

/**
 * Every fault in every set-up, whose machines are all without power at the beginning, again and again: one set-up after the other has power, beginning with another one each round, so that all of them meet what
 * else the computer does. Resolves to all runs. A set-up that does not become healthy again loses the rest of its turn, and its power with it.
 */
export async function runComparison(contenders: readonly Contender[], options: ComparisonOptions): Promise<DrillRun[]> {
  const runs: DrillRun[] = [];
  for (let round = 0; round < options.count; round++) {
    for (const contender of rotated(contenders, round)) {
      await switchOn(contender);
      try {
        for await (const run of turn(contender, round, options)) {
          runs.push(run);
          options.onRun(run);
        }
      } finally {
        await switchOff(contender);
      }
    }
  }
  return runs;
}

async function* turn({ stage, setup }: Contender, round: number, { faults, seed, folder }: ComparisonOptions): AsyncGenerator<DrillRun> {
  const { clock } = stage.operation;
  for (const fault of faults) {
    const moment = new Date(clock.now()).toISOString().replace(/\..*/, '').replaceAll(':', '-');
    const plan = await openProbePlan(stage, { seed: seed + round, run: clock.now().toString(36) });
    const run = await runDrill(stage, fault, { plan, folder: join(folder, `${moment}-${fault.id}-${setup.id}`), seed, setup: setup.id });
    yield run;
    if (!run.restored) return;
  }
  await removeNamespaces(stage);
  await clock.sleep(settling, stage.operation.signal);
}

/** ms that kube-controller-manager gets to remove what a turn wrote. */
const settling = 5000;

function rotated<T>(items: readonly T[], by: number): T[] {
  return items.map((_, position) => items[(position + by) % items.length]!);
}
