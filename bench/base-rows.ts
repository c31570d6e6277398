import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../src/lib/clock.ts';
import { cachedProgram } from '../test/support/cached-program.ts';
import type { BenchEtcd } from './bench-etcd.ts';
import { version } from './bench-etcd.ts';
import { mb, median, say, spread, timed, type Row } from './figures.ts';

/** What one process that took a base says of it. */
export interface TakenBase {
  /** Bytes at the most. */
  readonly memory: number;
  /** Bytes of new pages. */
  readonly added: number;
  /** Seconds from the start of the process. */
  readonly taken: number;
}

export interface BaseRun {
  /** What is in etcd, for a title. */
  readonly of: string;
  readonly runs: number;
  base(): Promise<TakenBase>;
  /** What happens between two bases, and its name. */
  between(): Promise<unknown>;
  readonly after: string;
}

/** A first base, and further ones in turns with etcdctl. */
export async function baseRows({ client, folder, url }: BenchEtcd, { of, runs, base, between, after }: BaseRun): Promise<readonly Row[]> {
  const size = `${mb((await client.status()).dbSize)}${of}`;
  const first = await base();
  const times = { taken: [] as number[], checked: [] as number[], etcdctl: [] as number[] };
  const taken: TakenBase[] = [];
  for (let run = 0; run < runs; run++) {
    await between();
    const path = join(folder, 'snap.db');
    times.etcdctl.push(await timed(async () => void execFileSync(cachedProgram('etcdctl', version), ['--endpoints', url, 'snapshot', 'save', path], { stdio: 'ignore' })));
    await rm(path);
    times.checked.push(await timed(async () => void taken.push(await base())));
    times.taken.push(taken.at(-1)!.taken);
    say(`base taken after ${times.taken.at(-1)!.toFixed(2)} s, hash-checked after ${times.checked.at(-1)!.toFixed(2)} s, etcdctl snapshot save ${times.etcdctl.at(-1)!.toFixed(2)} s`);
  }
  const megabytes = (what: keyof TakenBase) => spread(taken.map((one) => one[what] / 1e6), 'MB');
  return [
    [`first base of ${size}: what a process takes at the most`, mb(first.memory), '1'],
    [`a further base of ${size} after ${after}, from the start of a process until it is taken`, `${spread(times.taken, 's')}; \`etcdctl snapshot save\` ${spread(times.etcdctl, 's')}: ${(median(times.taken) / median(times.etcdctl)).toFixed(2)} x`, `${runs}, in turns`],
    ['the same: until it is hash-checked with one member, and the process has ended', `${spread(times.checked, 's')}: ${(median(times.checked) / median(times.etcdctl)).toFixed(2)} x`, String(runs)],
    ['the same: memory at the most; new pages', `${megabytes('memory')}; ${megabytes('added')} before compression`, String(runs)],
  ];
}

/** The rival that looks into a snapshot. */
export async function statusRow({ folder, url }: BenchEtcd): Promise<Row> {
  const path = join(folder, 'snap.db');
  execFileSync(cachedProgram('etcdctl', version), ['--endpoints', url, 'snapshot', 'save', path], { stdio: 'ignore' });
  const { seconds, memory } = await statusOf(path);
  await rm(path);
  return ['the same file: `etcdutl snapshot status`', `${seconds.toFixed(2)} s, ${mb(memory)} of memory at the most`, '1'];
}

/** Bytes at the most, and seconds that `etcdutl snapshot status` takes. */
export async function statusOf(path: string): Promise<{ readonly seconds: number; readonly memory: number }> {
  let memory = 0;
  const seconds = await timed(async () => {
    const status = spawn(cachedProgram('etcdutl', version), ['snapshot', 'status', path], { stdio: 'ignore' });
    const ended = once(status, 'close');
    while (status.exitCode === null) {
      const found = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${status.pid}/status`, 'utf8').catch(() => ''))?.[1];
      memory = Math.max(memory, Number(found ?? 0) * 1024);
      await systemClock.sleep(10);
    }
    await ended;
  });
  return { seconds, memory };
}
