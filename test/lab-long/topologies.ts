/**
 * Builds every topology on real machines, cuts the power of every host in turn under load, and writes docs/evidence/topologies.md.
 * `npm run test:topologies [-- T3L T5] [-- --release bookworm]`. About two minutes a topology; needs root.
 */
import { writeFile } from 'node:fs/promises';
import { topologies } from '../../src/cluster/topologies.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster } from '../support/lab-cluster.ts';
import { loseHost, type Loss } from '../support/lose-hosts.ts';

const words = process.argv.slice(2);
const release = words.includes('--release') ? words[words.indexOf('--release') + 1]! : 'trixie';
const chosen = topologies.filter((one) => words.includes(one));
const rows: string[] = [];
let failed = 0;

for (const topology of chosen.length > 0 ? chosen : topologies) {
  await using it = await labCluster(topology, `test-${topology.toLowerCase()}`, release);
  const start = performance.now();
  await expectZero(it.run('apply', '--yes'));
  const built = (performance.now() - start) / 1000;
  say(`${topology}: built in ${built.toFixed(0)} s`);
  await expectZero(it.run('plan'));
  await it.createNamespace('topology');
  if (topology === 'T1') {
    rows.push(`| T1 | ${built.toFixed(0)} | no host can be lost | | | |`);
    continue;
  }
  for (const { name } of it.cluster.hosts) {
    const loss = await loseHost(it, name, 'topology');
    if (loss.lost > 0 || loss.dead.length > 0) failed++;
    rows.push(row(topology, built, loss));
    say(rows.at(-1)!);
  }
}

await writeFile(fromRepository(`docs/evidence/topologies${release === 'trixie' ? '' : `-${release}`}.md`), page(rows));
say(`${rows.length} rows, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function row(topology: string, built: number, { host, roles, gaps, acknowledged, lost, dead }: Loss): string {
  const verdict = lost > 0 ? `${lost} LOST` : dead.length > 0 ? `lane ${dead.join(', ')} DEAD` : '0 lost';
  return `| ${topology} | ${built.toFixed(0)} | ${host} (${roles.join(', ')}) | ${gaps.new.toFixed(2)} | ${gaps.reused.toFixed(2)} | ${verdict} of ${acknowledged} |`;
}

function page(lines: readonly string[]): string {
  return [
    `# Every host of every topology without power, once (Debian ${release})`,
    '',
    `Made by \`npm run test:topologies${release === 'trixie' ? '' : ` -- --release ${release}`}\` on ${new Date().toISOString().slice(0, 10)}: real machines on 2 shared cores, 20 writes a second a lane through the VIP, power cut for 8 s,`,
    'then power on and wait until everything is healthy. A gap is the longest time between two acknowledged writes; one run a row.',
    '',
    '| topology | build, s | host without power | gap new, s | gap reused, s | acknowledged writes |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
