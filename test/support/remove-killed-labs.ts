// Removes what tests left that were killed: those that make labs by themselves have a run-time folder of their own, of which `kubekeep lab down --all` knows nothing.
import { globSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sweepStrays } from '../../src/lab/sweep.ts';

for (const folder of globSync('/var/tmp/kubekeep-test-*/run')) {
  for (const found of await sweepStrays(folder)) process.stderr.write(`removed ${found}\n`);
  await rm(dirname(folder), { recursive: true, force: true });
}
