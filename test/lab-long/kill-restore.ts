/**
 * Kills `restore cluster` with SIGKILL in every step in turn; then it is run again, or rolled back, in turn. Writes docs/evidence/kill-restore.md.
 * `npm run test:kill-restore [-- --topology T1|T3] [-- --from N] [-- --every N] [-- --power] [-- --write FILE]`. About a minute a kill; needs root.
 *   --power   cuts the power of all machines at the same moment, so that what runs on the hosts is cut too
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { hostsWith } from '../../src/cluster/cluster.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { reachable } from '../../src/operations/facts.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster, startKubekeep } from '../support/lab-cluster.ts';

const { values } = parseArgs({ options: { topology: { type: 'string', default: 'T1' }, from: { type: 'string', default: '1' }, every: { type: 'string', default: '1' }, power: { type: 'boolean', default: false }, write: { type: 'string' } } });
const rows: string[] = [];
let failed = 0;

await using it = await labCluster(values.topology, 'test-kill-restore');
await expectZero(it.run('apply', '--yes'));
await expectZero(it.run('backup', 'init'));
await it.createNamespace('then');
await expectZero(it.run('backup', 'run'));
const { bases } = JSON.parse((await expectZero(it.run('backup', 'list', '--json'))).stdout) as { bases: readonly { number: number }[] };
const point = `base:${bases[0]!.number}`;
await apiThroughVip(await it.reach(), (api) => api.delete('/api/v1/namespaces/then'));
await it.createNamespace('now');
await settled();

for (let step = Number(values.from); ; step += Number(values.every)) {
  const killedIn = await killIn(step);
  if (killedIn === undefined) break;
  const begun = [...(await it.facts()).hosts.values()].some((found) => reachable(found) && found.restoring !== undefined);
  const next = !begun ? 'nothing was begun' : rows.length % 2 === 0 ? 'run again' : 'rolled back';
  const problems = await goOn(next).catch((error: Error) => [error.message.replaceAll('\n', ' ').slice(-600)]);
  if (problems.length > 0) failed += 1;
  rows.push(`| ${step} | ${killedIn} | ${next} | ${problems.length === 0 ? 'as it has to be' : `FAILED: ${problems.join('; ').replaceAll('|', '/')}`} |`);
  process.stderr.write(`${rows.at(-1)!}\n`);
  if (problems.length > 0) break;
}
process.stderr.write(`${rows.length} kills, ${failed} failed\n`);
process.exitCode = failed > 0 || rows.length === 0 ? 1 : 0;
await writeFile(values.write ?? fromRepository(`docs/evidence/kill-restore${values.power ? '-power' : ''}.md`), page());

/** Kills the restore 200 ms into its nth step; the step, or undefined where it has fewer. */
async function killIn(wanted: number): Promise<string | undefined> {
  let count = 0;
  let killedIn: string | undefined;
  const running = startKubekeep(['restore', 'cluster', '--at', point, '--yes', '--json', '--file', it.file], {
    onLine: (line) => {
      const event = line.startsWith('{') ? (JSON.parse(line) as { type?: string; step?: string }) : {};
      if (event.type !== 'started' || !event.step?.includes('/restore-') || ++count !== wanted) return;
      killedIn = event.step;
      setTimeout(() => running.process.kill('SIGKILL'), 200);
    },
  });
  const { code, stderr } = await running.ended;
  if (code !== null && killedIn === undefined) return undefined;
  if (code !== null && code !== 0) throw new Error(`the restore that was to be killed failed by itself: ${stderr.slice(-800)}`);
  if (values.power) {
    await Promise.all(it.cluster.hosts.map(({ name }) => powerOff(it.lab, name)));
    await Promise.all(it.cluster.hosts.map(({ name }) => powerOn(it.lab, name)));
    while (![...(await it.facts()).hosts.values()].every(reachable)) await systemClock.sleep(500);
  }
  return killedIn;
}

async function goOn(next: string): Promise<string[]> {
  if (next === 'run again') await expectZero(it.run('restore', 'cluster', '--at', point, '--yes'));
  if (next === 'rolled back') await expectZero(it.run('restore', 'cluster', '--roll-back', '--yes'));
  const problems = await look(next === 'run again' ? 'then' : 'now');
  // The next kill begins where this one began.
  if (next === 'run again') await expectZero(it.run('restore', 'cluster', '--roll-back', '--yes'));
  return [...problems, ...(next === 'run again' ? await look('now') : [])];
}

/** One namespace is there and the other is not, and the cluster is whole. */
async function look(namespace: 'then' | 'now'): Promise<string[]> {
  await settled();
  const { items } = await apiThroughVip(await it.reach(), (api) => api.get<{ items: { metadata: { name: string } }[] }>('/api/v1/namespaces'));
  const found = items.map(({ metadata }) => metadata.name).filter((name) => name === 'then' || name === 'now');
  const { stdout } = await expectZero(it.run('apply', '--yes'));
  return [...(found.join() === namespace ? [] : [`there is ${found.join(' and ') || 'neither'}, and not ${namespace}`]), ...(stdout.includes(': 0 changes') ? [] : [`apply still made changes: ${stdout}`])];
}

async function settled(): Promise<void> {
  await it.healthy();
  for (let time = 0; time < 50; time++) {
    const status = await apiThroughVip(await it.reach(), (api) => api.get<{ status: { phase: string } }>('/api/v1/namespaces/then').then(({ status: { phase } }) => phase, () => 'gone'));
    if (status !== 'Terminating') return;
    await systemClock.sleep(200);
  }
}

function page(): string {
  return [
    `# restore cluster killed in every step${values.power ? ', with the power of all hosts' : ''}`,
    '',
    `Made by \`npm run test:kill-restore -- --topology ${values.topology}${values.from === '1' ? '' : ` --from ${values.from}`}${values.every === '1' ? '' : ` --every ${values.every}`}${values.power ? ' --power' : ''}\` on ${new Date().toISOString().slice(0, 10)}, on 2 shared cores: ${hostsWith(it.cluster, 'etcd').length} etcd member(s). ${rows.length} kills, ${failed} failed.`,
    '',
    'Each row: a restore to a point with another namespace than now, ended with SIGKILL 200 ms into the step. Then it is run again, and the namespace of then must be there and that of now must not, or it is rolled back, and it must be the other way round;',
    '`apply` must then make 0 changes.',
    '',
    '| n | killed in | then it was | outcome |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

