import { randomInt } from 'node:crypto';
import { Option, type Command } from 'commander';
import type { ObjectsChecked } from '../../backup/check-objects.ts';
import { verifyRepository } from '../../operations/backup/verify-repository.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openBackupOperation, storeOf } from '../wire.ts';

interface Flags {
  readonly file: string;
  readonly data: keyof typeof shares;
}

/** Which part of the data is read. */
const shares = { none: 0, '10%': 0.1, all: 1 } as const;

/** `backup verify`. */
export function addVerify(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('verify')
    .description('Check the objects of the repository: each that it needs is there under its name, tables are complete, the log admits its gaps, this identity opens all keys. With --data packs and pieces of the log are read too. That a point can be restored is shown by restore verify alone. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .addOption(new Option('--data <part>', 'how much of packs and log to read and decrypt, besides looking whether they are there').choices(Object.keys(shares)).default('none'))
    .action(async ({ file, data }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      cli.progress({ type: 'started', title: `checking the repository, data: ${data}`, step: 'backup/verify' });
      const checked = await verifyRepository(operation, storeOf(operation), { share: shares[data], seed: randomInt(2 ** 32) });
      cli.print({ kind: 'RepositoryCheck', data: { data, checked }, text: checkedText(checked) });
      exit(checked.problems.length === 0 ? 0 : 5);
    });
}

function checkedText({ bases, tables, packs, indexes, segments, captures, bundles, read, problems }: ObjectsChecked): string {
  return [
    `checked: bases ${bases}, tables ${tables}, packs ${packs} (${read.packs} read), key indexes ${indexes}, pieces of the log ${segments} (${read.segments} read), keys ${captures}, bundles of the cluster's keys ${bundles}`,
    ...(problems.length === 0 ? ['nothing is wrong'] : problems.map(({ object, problem, affects }) => `- ${object}: ${problem}${affects.length > 0 ? `; affects ${affects.join(', ')}` : ''}`)),
  ].join('\n');
}
