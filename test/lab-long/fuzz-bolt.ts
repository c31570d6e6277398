/** Breaks files of a real etcd in 100,000 ways and reads them. `npm run fuzz:bolt [-- --count 100000 --seed 7]`. Needs no root. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzzBolt } from '../support/bolt-fuzz.ts';
import { loneEtcd } from '../support/lone-etcd.ts';
import { writtenFile } from '../support/written-file.ts';

const { values } = parseArgs({ options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '7' } } });
const [count, seed] = [Number(values.count), Number(values.seed)];
const folder = await mkdtemp(join(tmpdir(), 'kubekeep-fuzz-'));
const etcd = await loneEtcd(folder);
const bytes = await writtenFile(etcd, seed);
await etcd[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
const step = 10_000;
let [refused, read, slowest] = [0, 0, 0];
for (let from = 0; from < count; from += step) {
  const one = await fuzzBolt(bytes, { seed, from, count: Math.min(step, count - from) });
  [refused, read, slowest] = [refused + one.refused, read + one.read, Math.max(slowest, one.slowest)];
  process.stderr.write(`${refused + read} of ${count}\n`);
}
process.stdout.write(`${count} ways to break a file of ${bytes.length} bytes (seed ${seed}): ${refused} refused, ${read} read as they were; the slowest took ${Math.round(slowest)} ms\n`);
