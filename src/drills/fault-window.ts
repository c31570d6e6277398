import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { armScript, disarmScript, undoneAfter } from './dead-man.ts';
import { runAll } from './faults/_on-hosts.ts';
import type { Aim, Fault } from './faults/fault.ts';
import type { Log } from './history/log.ts';
import type { Mark } from './history/record.ts';
import type { Sampler } from './sampler.ts';
import type { Pending, Stage } from './stage.ts';

/** ms of calm before the fault and after the recovery, so that both ends of a gap are seen. */
const calm = 3000;

export interface FaultWindow {
  readonly stage: Stage;
  readonly fault: Fault;
  readonly aim: Aim;
  readonly log: Log;
  readonly sampler: Pick<Sampler, 'mayBeOff'>;
}

/**
 * The fault: armed, put in, left in, undone, and the wait for health. Resolves to whether everything was healthy again: not where it could not be undone. The
 * undo is run whatever happened before it, also after Ctrl-C; throws what went wrong first.
 */
export async function throughTheFault({ stage, fault, aim, log, sampler }: FaultWindow): Promise<boolean> {
  const { clock, signal, progress } = stage.operation;
  const mark = (what: Mark['what'], about = fault.id) => log.add({ kind: 'mark', what, at: log.now(), about });
  await clock.sleep(calm, signal);
  await arm(stage, fault, aim);
  progress({ type: 'started', step: fault.id, title: `${fault.title}: ${aim.about}` });
  mark('fault begins');
  sampler.mayBeOff(aim.dark ?? []);
  const failure = await injected({ stage, fault, aim }, () => mark('fault is in'));
  mark('undo begins');
  const wrong = await whatFails(async () => {
    await aim.undo();
    mark('undone');
    await disarm(stage, aim);
    await stage.healthy();
    mark('healthy');
  });
  const restored = wrong === undefined;
  if (wrong) mark('note', `not healthy again: ${wrong.message}`);
  progress({ type: restored && !failure ? 'done' : 'failed', step: fault.id, title: wrong ? `${fault.title}: not healthy again: ${wrong.message}` : fault.title });
  if (failure) throw failure.caught;
  await clock.sleep(calm, signal);
  return restored;
}

/** What went wrong is kept until the fault is undone. */
async function injected({ stage: { operation: { clock, signal } }, fault, aim }: Pick<FaultWindow, 'stage' | 'fault' | 'aim'>, isIn: () => void): Promise<{ readonly caught: unknown } | undefined> {
  try {
    await aim.inject();
    isIn();
    await clock.sleep(fault.seconds * 1000, signal);
    return undefined;
  } catch (caught) {
    return { caught };
  }
}

/**
 * Before the fault. A host that nobody comes back to undoes it by itself. For the case that kubekeep is killed, a note tells the next drill what to undo without
 * waiting for that, and to put power and cables back, which are the lab's.
 */
async function arm(stage: Stage, fault: Fault, { deadMan = new Map(), undoneLast: byApply = false }: Aim): Promise<void> {
  await mkdir(dirname(stage.pendingFile), { recursive: true, mode: 0o700 });
  await writeFile(stage.pendingFile, `${JSON.stringify({ fault: fault.id, scripts: Object.fromEntries(deadMan), byApply } satisfies Pending)}\n`, { mode: 0o600 });
  await runAll(stage, victims(stage, deadMan), ({ name }) => armScript(deadMan.get(name)!, undoneAfter(fault, stage)));
}

async function disarm(stage: Stage, { deadMan = new Map() }: Aim): Promise<void> {
  await rm(stage.pendingFile, { force: true });
  await runAll(stage, victims(stage, deadMan), () => disarmScript);
}

function victims({ operation: { cluster } }: Stage, scripts: ReadonlyMap<string, string>) {
  return cluster.hosts.filter(({ name }) => scripts.has(name));
}

/** What the cluster or its hosts would not do. The worst runs need a result most. */
async function whatFails(work: () => Promise<void>): Promise<KubekeepError | undefined> {
  try {
    await work();
    return undefined;
  } catch (caught) {
    if (caught instanceof KubekeepError) return caught;
    throw caught;
  }
}
