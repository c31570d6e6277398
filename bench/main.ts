/**
 * Times what a user waits for, on real lab machines: `npm run bench [-- --runs 5]`. Writes docs/evidence/bench.md. Needs root and warm caches; a figure
 * is the median with minimum and maximum over the runs, on a computer that has nothing else to do.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { fromRepository } from '../test/support/from-repository.ts';
import { expectZero, kubekeep, labCluster } from '../test/support/lab-cluster.ts';
import { moveLeader, vipHolder } from '../src/drills/stage.ts';
import { loseHost } from '../test/support/lose-hosts.ts';

const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]) || 5;
const load = loadavg()[0]!.toFixed(1);
const rows: string[] = [];

const build: number[] = [];
for (let run = 0; run < Math.min(runs, 3); run++) {
  const start = performance.now();
  await using it = await labCluster('T3', 'test-bench');
  await expectZero(it.run('apply', '--yes'));
  build.push((performance.now() - start) / 1000);
  say(`built in ${build.at(-1)!.toFixed(1)} s`);
}
row('lab T3 from nothing to `/readyz` through the VIP, and every check of `apply` after that', '30 s', build);

await using it = await labCluster('T3', 'test-bench');
await expectZero(it.run('apply', '--yes'));
await it.createNamespace('bench');
for (const [title, aim, args] of [
  ['`apply` with nothing to do', '3 s', ['apply', '--yes']],
  ['`plan`', '3 s', ['plan']],
  ['`status`', '1.5 s', ['status']],
  ['`validate`', '0.3 s', ['validate']],
] as const) row(title, aim, await time(() => expectZero(it.run(...args))));
row('`--version` (start-up, all commands loaded)', '', await time(() => kubekeep('--version')));

const gaps = { new: [] as number[], reused: [] as number[] };
for (let run = 0; run < runs; run++) {
  const reach = await it.reach();
  const { name: holder } = await vipHolder(reach);
  await moveLeader(reach, { name: holder });
  const loss = await loseHost(it, holder, 'bench', 8);
  if (loss.lost > 0 || loss.dead.length > 0) throw new Error(`${loss.lost} writes lost, dead lanes: ${loss.dead.join(', ')}`);
  gaps.new.push(loss.gaps.new);
  gaps.reused.push(loss.gaps.reused);
  say(`${holder} without power: new ${loss.gaps.new.toFixed(2)} s, reused ${loss.gaps.reused.toFixed(2)} s`);
}
row('VIP holder = etcd leader without power: longest write gap, new connections', '2 s', gaps.new);
row('the same, reused connections', '2 s', gaps.reused);

await writeFile(fromRepository('docs/evidence/bench.md'), [
  '# What a user waits for',
  '',
  `Made by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began, Kubernetes ${it.cluster.kubernetes.version}, etcd ${it.cluster.etcd.version}, caches warm.`,
  '',
  '| what | aim | median (min–max), s | runs |',
  '| --- | --- | --- | --- |',
  ...rows,
  '',
].join('\n'));

async function time(work: () => Promise<unknown>): Promise<number[]> {
  const seconds: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}

function row(what: string, aim: string, seconds: readonly number[]): void {
  const sorted = [...seconds].sort((a, b) => a - b);
  const text = (value: number) => value.toFixed(2);
  rows.push(`| ${what} | ${aim} | ${text(sorted[Math.floor(sorted.length / 2)]!)} (${text(sorted[0]!)}–${text(sorted.at(-1)!)}) | ${sorted.length} |`);
  say(rows.at(-1)!);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
