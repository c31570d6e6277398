/**
 * Breaks on purpose what has to be noticed: set-ups, a prober and an operator (drill-mutants.ts), backups and restores (backup-mutants.ts). `npm run test:mutants [-- --only M3,M9]`; other options go to the
 * drills' part. About three quarters of an hour; needs root.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { mutants } from '../../src/drills/mutants/catalogue.ts';
import { backupMutants } from '../support/backup-mutants.ts';
import { fromRepository } from '../support/from-repository.ts';

const { values: { only, ...drillOptions } } = parseArgs({ options: { only: { type: 'string' }, file: { type: 'string' }, write: { type: 'string' } } });
const forDrills = Object.entries(drillOptions).flatMap(([name, value]) => [`--${name}`, String(value)]);
const parts = [
  { script: 'drill-mutants.ts', ids: mutants.map(({ id }) => id), more: forDrills },
  { script: 'backup-mutants.ts', ids: backupMutants.map(({ id }) => id), more: [] },
] as const;
const wanted = only?.split(',') ?? [];
const unknown = wanted.filter((id) => !parts.some(({ ids }) => ids.includes(id)));
if (unknown.length > 0) throw new Error(`there is no mutant ${unknown.join(', ')}; there are ${parts.flatMap(({ ids }) => ids).join(', ')}`);

for (const { script, ids, more } of parts) {
  const chosen = wanted.filter((id) => ids.includes(id));
  if (only !== undefined && chosen.length === 0) continue;
  const child = spawn(process.execPath, [fromRepository(`test/lab-long/${script}`), ...(chosen.length > 0 ? ['--only', chosen.join(',')] : []), ...more], { stdio: 'inherit' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) process.exitCode = 1;
}
