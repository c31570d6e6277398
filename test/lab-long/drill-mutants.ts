/**
 * Breaks set-ups, a prober and an operator on purpose and looks whether the checker that should find it does, and whether it finds nothing where nothing is broken;
 * writes docs/evidence/mutants.md. A part of `npm run test:mutants [-- --only M3,M5 --file CLUSTER --write FILE]`. About three minutes a mutant; needs root.
 *   --file  a lab's cluster that is there, kubekeep's own set-up on it; it stays
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mutants } from '../../src/drills/mutants/catalogue.ts';
import type { Mutant } from '../../src/drills/mutants/mutant.ts';
import type { Stage } from '../../src/drills/stage.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster } from '../support/lab-cluster.ts';
import { labStage } from '../support/lab-stage.ts';
import { neededFor } from '../support/needed-checkers.ts';
import { mutantsPage, rowOf } from '../support/mutants-page.ts';
import { applySetup, showHealthy, showMutant, whyNot, type Row, type Shown } from '../support/mutant-runs.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, file: { type: 'string' }, write: { type: 'string' } } });
const chosen = mutants.filter(({ id }) => values.only === undefined || values.only.split(',').includes(id));
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort(new Error('interrupted')));

const folder = await mkdtemp(join(tmpdir(), 'kubekeep-mutants-'));
const load = loadavg()[0]!;
await using lab = values.file === undefined ? await labCluster('T3', 'test-mutants', 'trixie', ['--disks']) : undefined;
if (lab) await expectZero(lab.run('apply', '--yes'));
await using opened = await labStage(lab?.file ?? values.file!, interruption.signal);
const { stage } = opened;

const healthy = new Map<string, Shown>();
const rows: Row[] = [];
try {
  for (const mutant of chosen.filter((one) => whyNot(one, stage) === undefined)) {
    const key = sameRun(mutant);
    if (healthy.has(key)) continue;
    healthy.set(key, await showHealthy(stage, mutant, folder).catch(failed('broken')));
    say(`healthy, ${key}: ${healthy.get(key)!.found}`);
  }
  for (const mutant of chosen) {
    interruption.signal.throwIfAborted();
    rows.push({ mutant, healthy: healthy.get(sameRun(mutant)), shown: await showMutant(stage, mutant, folder).catch(failed('survived')) });
    say(rowOf(rows.at(-1)!));
  }
} finally {
  await restored(stage);
}

const needed = neededFor(rows);
for (const { checker, histories } of needed) say(`without ${checker}: ${histories.join(', ') || 'NOTHING'} would survive`);
const bad = [...rows.filter(({ shown, healthy: before }) => shown.outcome !== 'caught' || before?.outcome === 'broken'), ...needed.filter(({ histories }) => histories.length === 0)];
const page = values.write ?? (values.only === undefined && values.file === undefined ? fromRepository('docs/evidence/mutants.md') : undefined);
if (page) await writeFile(page, mutantsPage(rows, needed, { only: values.only, load }));
await rm(folder, { recursive: true, force: true });
say(`${rows.length} mutants: ${rows.filter(({ shown }) => shown.outcome === 'caught').length} caught, ${rows.filter(({ shown }) => shown.outcome === 'not shown').length} not shown; ${bad.length} failed`);
process.exitCode = bad.length > 0 || rows.length === 0 ? 1 : 0;

/** Mutants of one fault have their healthy run in common. */
function sameRun(mutant: Mutant): string {
  return mutant.kind === 'set-up' ? mutant.fault : mutant.kind;
}

/** A mutant that could not be run has not been caught. */
function failed(outcome: Shown['outcome']): (caught: unknown) => Shown {
  return (caught) => {
    interruption.signal.throwIfAborted();
    return { outcome, found: `could not be run: ${(caught as Error).message}`, by: [] };
  };
}

/** A lab that stays gets kubekeep's set-up back, also after Ctrl-C. */
async function restored(at: Stage): Promise<void> {
  if (lab) return;
  await applySetup({ ...at, operation: { ...at.operation, signal: new AbortController().signal } });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
