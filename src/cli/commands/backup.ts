import type { Command } from 'commander';
import { basesOf } from '../../backup/points.ts';
import { initBackup } from '../../operations/backup/init-backup.ts';
import { openToRead } from '../../operations/backup/open-backup.ts';
import { runBackup } from '../../operations/backup/run-backup.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { textTable } from '../text-table.ts';
import { megabytes } from '../megabytes.ts';
import { openOperation, storeOf } from '../wire.ts';
import { sentence } from './_backup.ts';

interface Flags {
  readonly file: string;
}

/** `backup init|run|list`. */
export const addBackup: AddCommand = (program, cli) => {
  const group = program.command('backup').description('Keep what etcd holds in a repository: encrypted, each page once.');
  addInit(group, cli);
  addRun(group, cli);
  addList(group, cli);
};

function addInit(group: Command, cli: Cli): void {
  group
    .command('init')
    .description('Make the repository that spec.backup of the cluster file names. Its keys are kept beside the cluster file, sealed to the identity of the cluster.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 4 });
      const { id, place, recipients } = await initBackup(operation, storeOf(operation.cluster));
      const text = `repository ${id.slice(0, 12)} in ${place}, readable with the identity of ${recipients.length} ${recipients.length === 1 ? 'recipient' : 'recipients'}\nKeep a copy of the identity elsewhere: without one nothing in it can be read.\nNext: kubekeep backup run`;
      cli.print({ kind: 'Repository', data: { id, place, recipients }, text });
    });
}

function addRun(group: Command, cli: Cli): void {
  group
    .command('run')
    .description('Take a base now: all of etcd at one revision, compared with every member, stored where it is new.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openOperation(cli, { file, connectTimeout: 4 });
      const base = await runBackup(operation, storeOf(operation.cluster));
      cli.print({ kind: 'Base', data: { base }, text: `${sentence(base)}\n${megabytes(base.added)} of ${megabytes(base.length)} were new` });
    });
}

function addList(group: Command, cli: Cli): void {
  group
    .command('list')
    .description('List the bases of the repository. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openOperation(cli, { file });
      const { repository } = await openToRead(operation, storeOf(operation.cluster));
      const bases = basesOf(repository.chain);
      const rows = bases.map((base) => [String(base.number), new Date(base.time).toISOString().slice(0, 19).replace('T', ' '), String(base.revision), base.hashChecked ? 'taken, hash-checked' : 'taken', base.member, megabytes(base.length), megabytes(base.added)]);
      const text = rows.length === 0 ? `no base in ${repository.store.place}\nNext: kubekeep backup run` : textTable([['BASE', 'TIME (UTC)', 'REVISION', 'STATE', 'FROM', 'SIZE', 'NEW'], ...rows]);
      cli.print({ kind: 'Bases', data: { repository: repository.id, place: repository.store.place, bases }, text });
    });
}
