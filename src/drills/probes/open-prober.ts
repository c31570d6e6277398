import { open } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { startNode } from '../../hosts/child-process.ts';
import type { ChildExit } from '../../hosts/child-process.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Clock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { DrillRecord, Ended } from '../history/record.ts';
import { followLanes } from './lane-progress.ts';
import type { LaneProgress } from './lane-progress.ts';
import { planLine } from './probe-plan.ts';
import type { ProbePlan } from './probe-plan.ts';

export interface ProberProcess {
  /** A time of this process's monotonic clock as the prober's; both count the same milliseconds. */
  toProber(monotonic: number): number;
  /** The prober's time. */
  now(): number;
  /** Ends it in order: up to 12 s for what is still open. Throws `bug` where it had ended by itself or went wrong. */
  stop(): Promise<void>;
}

export interface OpenProber extends ProberProcess {
  /** Ends the prober and leaves its history open, so that what is looked at afterwards disturbs no request. Safe to call twice; throws as `stop`. */
  endProbing(): Promise<void>;
  /** Adds a record of the drill itself (a mark, a sample, in the prober's time) to the history. */
  add(record: DrillRecord): void;
  /** What the lanes felt so far. */
  lanes(): readonly LaneProgress[];
}

/**
 * Starts a prober in a process of its own and keeps its history in a new file, a record a line as it comes, on disk when `stop` resolves. Resolves
 * when it probes.
 */
export async function openProber(plan: ProbePlan, { historyFile, clock = systemClock }: { readonly historyFile: string; readonly clock?: Clock }): Promise<OpenProber> {
  const file = (await open(historyFile, 'wx', 0o600)).createWriteStream({ flush: true });
  const written = finished(file);
  // Heard at `stop`; a full disk must not end the drill before its fault is undone.
  written.catch(() => {});
  const figures = followLanes(plan.lanes);
  let lines = 0;
  const write = (line: string) => {
    lines++;
    file.write(`${line}\n`);
  };
  const prober = await runProber(plan, { clock, onRecord(record, line) {
    figures.add(record);
    write(line);
  } }).catch((error: unknown) => {
    file.destroy();
    throw error;
  });
  let probing: Promise<void> | undefined;
  const endProbing = () => (probing ??= prober.stop());
  return {
    ...prober,
    endProbing,
    add: (record) => write(JSON.stringify(record)),
    lanes: () => figures.at(prober.now()),
    async stop() {
      try {
        await endProbing();
        write(JSON.stringify({ kind: 'ended', at: prober.now(), lines } satisfies Ended));
      } finally {
        file.end();
        await written;
      }
    },
  };
}

/** Milliseconds: what the prober itself allows, and a little for a busy computer. */
const longestEnd = 20_000;
const longestStart = 20_000;

/** The process without a file. Its records are given as values and as the lines that they came in. */
export async function runProber(plan: ProbePlan, { clock, onRecord }: { readonly clock: Clock; onRecord(record: DrillRecord, line: string): void }): Promise<ProberProcess> {
  let heardNow: ((now: number) => void) | undefined;
  const child = startNode(script, { onLine(line) {
    const said = JSON.parse(line) as DrillRecord | { readonly now: number };
    if ('now' in said) heardNow?.(said.now);
    else onRecord(said, line);
  } });
  const early = child.ended.then((exit) => {
    throw endedEarly(exit);
  });
  early.catch(() => {});
  let stopping = false;
  child.write(planLine(plan));
  const ask = () => new Promise<number>((resolve) => {
    heardNow = resolve;
    child.write('now');
  });
  const started = new AbortController();
  const difference = await Promise.race([compareClocks(ask, clock), early, tooLate(clock, started.signal)]).catch(async (error: unknown) => {
    await child.end(0).catch(() => {});
    throw error;
  });
  started.abort();
  const toProber = (monotonic: number) => monotonic + difference;
  let over: ChildExit | undefined;
  child.ended.then((exit) => (over = stopping ? undefined : exit), () => {});
  return {
    toProber,
    now: () => toProber(clock.monotonic()),
    async stop() {
      if (over) throw endedEarly(over);
      stopping = true;
      const exit = await child.end(longestEnd);
      if (exit.exitCode !== 0) throw endedEarly(exit);
    },
  };
}

/** Beside this file, whether it is TypeScript or compiled. */
const script = fileURLToPath(new URL(`./prober-main${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url));

/** How far the prober's time is ahead of ours: by the question that was answered fastest, exact to half of what that took. */
async function compareClocks(ask: () => Promise<number>, clock: Clock): Promise<number> {
  let best = { took: Infinity, difference: 0 };
  for (let turn = 0; turn < 5; turn++) {
    const before = clock.monotonic();
    const there = await ask();
    const after = clock.monotonic();
    if (after - before < best.took) best = { took: after - before, difference: there - (before + after) / 2 };
  }
  return best.difference;
}

async function tooLate(clock: Clock, signal: AbortSignal): Promise<never> {
  await clock.sleep(longestStart, signal);
  throw new KubekeepError('bug', `the prober did not start within ${longestStart / 1000} s`);
}

function endedEarly({ exitCode, stderr }: ChildExit): KubekeepError {
  return new KubekeepError('bug', `the prober ended by itself with ${exitCode}${stderr === '' ? '' : `: ${stderr}`}`);
}
