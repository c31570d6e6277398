/**
 * Rolls a SAN and an API server flag out over a T3 again and again under writes, and writes docs/evidence/roll.md. `npm run test:roll [-- --rounds 10]`.
 * About 75 s a round; needs root.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster } from '../support/lab-cluster.ts';
import { rollOut } from '../support/roll-out.ts';

const rounds = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 10;
await using it = await labCluster('T3', 'test-roll-out');
await expectZero(it.run('apply', '--yes'));
await it.createNamespace('roll');

const rows: string[] = [];
let [writes, failures] = [0, 0];
for (let round = 1; round <= rounds; round++) {
  const { applied, failed, slowest, ...counted } = await rollOut(it, 'roll', round);
  await expectZero(Promise.resolve(applied));
  await it.healthy();
  writes += counted.writes;
  failures += failed.length;
  rows.push(`| ${round} | ${counted.writes} | ${failed.length} | ${(slowest / 1000).toFixed(2)} | ${loadavg()[0]!.toFixed(1)} |`);
  process.stderr.write(`${rows.at(-1)!}\n`);
  for (const { lane, object, outcome, took } of failed.slice(0, 5)) process.stderr.write(`  ${lane} ${object}: ${outcome} after ${took} ms\n`);
}

await writeFile(fromRepository('docs/evidence/roll.md'), [
  '# A change rolled out under writes',
  '',
  `Made by \`npm run test:roll\` on ${new Date().toISOString().slice(0, 10)}: T3 on 2 shared cores, 40 writes a second on new and 40 on reused connections through the VIP, while \`apply\` restarts`,
  'every API server for a new SAN and flag. A server that stops answers some requests with 429 and Retry-After: 5, which clients send again: that is the slowest answer.',
  '',
  `${writes} writes in ${rounds} roll-outs, ${failures} failed.`,
  '',
  '| roll-out | writes | failed | slowest, s | load |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
  '',
].join('\n'));
process.exitCode = failures > 0 ? 1 : 0;
