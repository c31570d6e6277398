/**
 * Fills a T3 with objects of every kind, takes a backup, reads every object out of it without the cluster, compares each, field by field, with what the API gives, and writes
 * docs/evidence/objects-proof.md. `npm run proof:objects`. About three minutes; needs root.
 */
import { writeFile } from 'node:fs/promises';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { encryptionKeysOf } from '../../src/objects/encrypted-value.ts';
import { encryptionConfig } from '../../src/render/kube-apiserver.ts';
import { openBackupOperation, storeOf } from '../../src/cli/wire.ts';
import { readEnvironment } from '../../src/cli/env.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { openObjects } from '../../src/operations/objects/open-objects.ts';
import { comparedWithApi } from '../support/equal-objects.ts';
import { everyKind } from '../support/every-kind.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster } from '../support/lab-cluster.ts';

await using it = await labCluster('T3', 'test-objects-proof');
await expectZero(it.run('apply', '--yes'));
const { resources, refused } = await apiThroughVip(await it.reach(), everyKind);
for (const one of refused) process.stderr.write(`not made: ${one}\n`);
await expectZero(it.run('backup', 'init'));
await expectZero(it.run('backup', 'run'));
await using operation = await openBackupOperation({ environment: readEnvironment(), clock: systemClock, signal: new AbortController().signal, progress: silent, confirm: async () => false }, { file: it.file });
const { state, point } = await (await openObjects(operation, storeOf(operation))).at('latest');
const keys = encryptionKeysOf(encryptionConfig((await it.secrets()).encryptionKey));
const { objects, equal, kinds, encrypted, older, different, missing } = await apiThroughVip(await it.reach(), (api) => comparedWithApi(api, resources, { state, revision: point.revision, keys }));

const result = `${objects} objects, ${equal} equal`;
process.stdout.write(`${[...different, ...missing.map((one) => `not in the backup: ${one}`), result].join('\n')}\n`);
await writeFile(fromRepository('docs/evidence/objects-proof.md'), [
  '# Every object of a cluster, out of its backup',
  '',
  `Made by \`npm run proof:objects\` on ${new Date().toISOString().slice(0, 10)}: a T3 in the lab with objects of ${kinds.size} kinds, custom resources among them, and ${encrypted} encrypted values. Each object was read out of the`,
  'repository without the cluster, and compared with what the API gives at the same revision: every field, resourceVersion and managedFields included.',
  '',
  `**${result}**, and ${missing.length === 0 ? 'the API has none that the backup does not have' : `${missing.length} that only the API has`}.`,
  '',
  ...(refused.length === 0 ? [] : ['Not made, since the API refused it:', '', ...refused.map((one) => `- ${one}`), '']),
  'Stored in a version that is not served, and compared with the newer one that is:',
  '',
  ...(older.length === 0 ? ['- none'] : older.map((one) => `- ${one}`)),
  '',
  `Kinds: ${[...kinds].sort().join(', ')}.`,
  '',
].join('\n'));
process.exitCode = equal === objects && missing.length === 0 ? 0 : 1;
