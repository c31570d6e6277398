import { join } from 'node:path';
import { findFaults } from '../../src/drills/faults/catalogue.ts';
import { checkers, judge } from '../../src/drills/guarantees/judge.ts';
import type { Evidence, Verdict } from '../../src/drills/history/verdict.ts';
import { readEvidence } from '../../src/drills/kept-evidence.ts';
import type { Mutant, SetupMutant } from '../../src/drills/mutants/mutant.ts';
import { pausedOperator } from '../../src/drills/mutants/paused-operator.ts';
import { openProbePlan, removeNamespaces } from '../../src/drills/open-probe-plan.ts';
import { selfCheck, type SelfCheck } from '../../src/drills/probes/self-check.ts';
import { runDrill } from '../../src/drills/run-drill.ts';
import type { Stage } from '../../src/drills/stage.ts';
import { apply } from '../../src/operations/apply.ts';
import { toKubekeepError } from '../../src/lib/errors.ts';
import { parallel } from '../../src/lib/parallel.ts';
import type { Renderer } from '../../src/render/design.ts';
import { evidence as evidenceOf } from './drill-evidence.ts';

/** What became of a mutant, or of what is healthy in its place. */
export interface Shown {
  readonly outcome: 'caught' | 'survived' | 'not shown' | 'healthy' | 'broken';
  /** The verdict of the checker that has to find it, or why it was not shown. */
  readonly found: string;
  /** All that found something. */
  readonly by: readonly string[];
  /** Of a drill, to be judged again. */
  readonly evidence?: Evidence;
}

export interface Row {
  readonly mutant: Mutant;
  readonly shown: Shown;
  /** The same without what is broken; undefined where it was not run. */
  readonly healthy: Shown | undefined;
}

export const checkerIds: readonly string[] = checkers.map((check) => check(evidenceOf([])).guarantee);

/** What is broken in a history; without one checker where one is named. */
export function brokenIn(evidence: Evidence, without?: string): Verdict[] {
  return judge(evidence, checkers.filter((_, position) => checkerIds[position] !== without)).filter(({ state }) => state === 'broken');
}

/** Why a mutant cannot be shown on this cluster; undefined where it can. */
export function whyNot(mutant: Mutant, { operation: { cluster }, lab }: Pick<Stage, 'operation' | 'lab'>): string | undefined {
  if (mutant.kind !== 'set-up') return undefined;
  if (!checkerIds.includes(mutant.caughtBy)) return `there is no checker ${mutant.caughtBy}`;
  return mutant.obstacle?.(cluster) ?? findFaults([mutant.fault])[0]!.obstacle(cluster, lab);
}

/** Applies what is broken, waits for health, runs its fault and judges. The set-up stays until the next `applySetup`. */
export async function showMutant(stage: Stage, mutant: Mutant, folder: string): Promise<Shown> {
  const obstacle = whyNot(mutant, stage);
  if (obstacle !== undefined) return { outcome: 'not shown', found: obstacle, by: [] };
  if (mutant.kind === 'prober') {
    const { ok, why = '' } = await selfCheck({ startProbe: mutant.startProbe });
    return { outcome: ok ? 'survived' : 'caught', found: why, by: ok ? [] : [mutant.caughtBy] };
  }
  if (mutant.kind === 'operator') {
    const verdict = await pausedOperator(stage, mutant.spoiled);
    const caught = verdict.state === 'broken';
    return { outcome: caught ? 'caught' : 'survived', found: verdict.breaches[0] ?? verdict.found, by: caught ? [verdict.guarantee] : [] };
  }
  return showSetup(stage, mutant, folder);
}

/** The same without what is broken: nothing may be found. */
export async function showHealthy(stage: Stage, mutant: Mutant, folder: string): Promise<Shown> {
  if (mutant.kind === 'prober') {
    const { ok, why = 'the prober tells the truth' } = await trusted(stage);
    return { outcome: ok ? 'healthy' : 'broken', found: why, by: ok ? [] : [mutant.caughtBy] };
  }
  if (mutant.kind === 'operator') {
    const { state, found, guarantee } = await pausedOperator(stage, (hosts) => hosts);
    return { outcome: state === 'held' ? 'healthy' : 'broken', found, by: state === 'held' ? [] : [guarantee] };
  }
  const { evidence, verdicts, restored } = await runFault(stage, mutant.fault, join(folder, `healthy-${mutant.fault}`), 'kubekeep');
  const broken = verdicts.filter(({ state }) => state === 'broken');
  const unknown = verdicts.filter(({ state }) => state === 'unknown');
  const sentence = broken.length > 0 ? broken.flatMap(({ breaches }) => breaches[0] ?? []).join('; ') : unknown.length > 0 ? unknown.map(({ guarantee, found }) => `${guarantee} unknown: ${found}`).join('; ') : 'every promise held';
  return { outcome: broken.length === 0 && restored ? 'healthy' : 'broken', found: restored ? sentence : `not healthy again; ${sentence}`, by: broken.map(({ guarantee }) => guarantee), evidence };
}

/** Makes a lab's cluster what a table of renderers says, kubekeep's own unless given, and waits until it is healthy. */
export async function applySetup(stage: Stage, table?: readonly Renderer[]): Promise<Stage> {
  const operation = { ...stage.operation, ...(table && { renderers: table }) };
  await apply(operation, { confirm: () => Promise.resolve(true) });
  await stage.healthy();
  return { ...stage, operation };
}

async function showSetup(stage: Stage, mutant: SetupMutant, folder: string): Promise<Shown> {
  const spoiled = await applySetup(stage, mutant.renderers);
  const mend = await mutant.spoil?.(spoiled);
  try {
    const { evidence } = await runFault(spoiled, mutant.fault, join(folder, mutant.id), mutant.id);
    const broken = brokenIn(evidence);
    const verdict = broken.find(({ guarantee }) => guarantee === mutant.caughtBy);
    return { outcome: verdict ? 'caught' : 'survived', found: verdict?.breaches[0] ?? judge(evidence).find(({ guarantee }) => guarantee === mutant.caughtBy)!.found, by: broken.map(({ guarantee }) => guarantee), evidence };
  } finally {
    await mend?.();
  }
}

async function runFault(stage: Stage, fault: string, folder: string, setup: string) {
  const seed = 1;
  const plan = await openProbePlan(stage, { seed, run: stage.operation.clock.now().toString(36) });
  // As the kernel would do in half a minute: what a power cut takes then is what the drill itself writes, and not the cluster.
  await parallel(stage.operation.cluster.hosts, ({ name }) => stage.operation.hosts.get(name)!.run('sync'));
  const { verdicts, restored } = await patiently(stage, () => runDrill(stage, findFaults([fault])[0]!, { plan, folder, seed, setup }));
  if (restored) await removeNamespaces(stage);
  return { verdicts, restored, evidence: await readEvidence(folder) };
}

/** A busy computer makes a liar of an honest prober, but not each time. */
async function trusted({ operation: { clock, signal } }: Stage): Promise<SelfCheck> {
  for (let turn = 0; ; turn++) {
    const check = await selfCheck();
    if (check.ok || turn === 9) return check;
    await clock.sleep(3000, signal);
  }
}

/** A computer that is too busy for the prober now may not be so a little later. */
async function patiently<T>({ operation: { clock, signal } }: Stage, run: () => Promise<T>): Promise<T> {
  for (let turn = 0; ; turn++) {
    try {
      return await run();
    } catch (caught) {
      if (turn === 9 || toKubekeepError(caught).code !== 'drill-refused') throw caught;
      await clock.sleep(3000, signal);
    }
  }
}
