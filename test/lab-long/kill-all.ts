/**
 * Kills `apply` with SIGKILL after every event of a T3 build in turn and looks whether the next one converges; writes docs/evidence/kill-all.md.
 * `npm run test:kill-all [-- --from N] [-- --to N] [-- --every N] [-- --jitter SEED] [-- --power] [-- --write FILE]`. About a minute a kill; needs root.
 *   --jitter  kills up to 2 s after the event, by a seeded draw, and not at once
 *   --power   cuts the power of all machines at the same moment, so that what runs on the hosts is cut too
 */
import { readFile, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { parseArgs } from 'node:util';
import { fromRepository } from '../support/from-repository.ts';
import { killOnce, type Survival } from '../support/kill-apply.ts';
import { labCluster } from '../support/lab-cluster.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

const { values } = parseArgs({ options: { from: { type: 'string', default: '0' }, to: { type: 'string', default: '999' }, every: { type: 'string', default: '1' }, jitter: { type: 'string' }, power: { type: 'boolean', default: false }, write: { type: 'string' } } });
const draw = seededDraw(Number(values.jitter ?? 0));
const name = `kill-all${values.power ? '-power' : ''}`;
const began = performance.now();
const rows: string[] = [];
let failed = 0;

await using it = await labCluster('T3', `test-${name}`);
for (let event = Number(values.from); event <= Number(values.to); event += Number(values.every)) {
  const delay = values.jitter === undefined ? 0 : Math.floor(draw() * 2000);
  const survival = await killOnce(it, { event, delay, power: values.power }).catch((error: Error): Survival => ({ killedAt: 'not at all', changes: 0, seconds: 0, problems: [error.message] }));
  if (survival.killedAt === undefined) break;
  if (survival.problems.length > 0) failed += 1;
  rows.push(row(event, delay, survival));
  process.stderr.write(`${rows.at(-1)!}\n`);
}

const minutes = Math.round((performance.now() - began) / 60_000);
const complete = values.from === '0' && values.to === '999';
const file = values.write ?? (complete ? fromRepository(`docs/evidence/${name}.md`) : undefined);
if (file) await writeFile(file, await page());
process.stderr.write(`${rows.length} kills, ${failed} failed\n`);
process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0;

function row(event: number, delay: number, { killedAt, changes, seconds, problems }: Survival): string {
  return `| ${event} | ${killedAt}${delay > 0 ? ` + ${delay} ms` : ''} | ${changes} changes, ${seconds.toFixed(0)} s | ${problems.length === 0 ? 'converged' : `FAILED: ${problems.join('; ').replaceAll('|', '/').replaceAll('\n', ' ')}`} |`;
}

async function page(): Promise<string> {
  const { version } = JSON.parse(await readFile(fromRepository('package.json'), 'utf8')) as { version: string };
  const { kubernetes, etcd } = it.cluster;
  return [
    `# apply killed after every event of a build${values.power ? ', with the power of all hosts' : ''}`,
    '',
    `Made by \`npm run test:kill-all${values.power ? ' -- --power' : ''}${values.every === '1' ? '' : ` -- --every ${values.every}`}${values.jitter === undefined ? '' : ` -- --jitter ${values.jitter}`}\` on ${new Date().toISOString().slice(0, 10)}: kubekeep ${version}, Kubernetes ${kubernetes.version}, etcd ${etcd.version}, Node ${process.version}, Linux ${release().split('-')[0]},`,
    `T3 (three machines with all roles) on 2 shared cores. ${rows.length} kills, ${failed} failed, ${minutes} minutes.`,
    '',
    'Each row: machines with new disks and no state; `apply` ended with SIGKILL at the event (a step was started or done)' + (values.power ? ', and at the same moment the power of all three machines cut, then back;' : ';'),
    'a second `apply` must end with 0, a third one must make 0 changes, every host must do what its roles ask for, and etcd must have three voting members.',
    '',
    '| n | killed after | the next apply | outcome |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
