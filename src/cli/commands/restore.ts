import { resolve } from 'node:path';
import type { Command } from 'commander';
import { restoreFile } from '../../operations/backup/restore-file.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation, storeOf } from '../wire.ts';
import { pointSentence } from './_backup.ts';
import { addRestoreState } from './restore-state.ts';

interface Flags {
  readonly file: string;
  readonly at: string;
  readonly to: string;
}

/** `restore file|state`. */
export const addRestore: AddCommand = (program, cli) => {
  const group = program.command('restore').description('Get back what a repository holds.');
  addFile(group, cli);
  addRestoreState(group, cli);
};

function addFile(group: Command, cli: Cli): void {
  group
    .command('file')
    .description('Write a snapshot of etcd as etcdctl would have saved it at a point: a base is the file that etcd sent, between two bases the log is replayed. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .option('--at <point>', 'latest, a time such as 2026-11-25T14:02:00Z, revision:N or base:N', 'latest')
    .requiredOption('--to <path>', 'the file to write')
    .action(async ({ file, at, to }: Flags) => {
      await using operation = await openOperation(cli, { file });
      const path = resolve(to);
      cli.progress({ type: 'started', title: `restore: ${at}`, step: 'restore/file' });
      const point = await restoreFile(operation, storeOf(operation), { at, path });
      cli.print({ kind: 'RestoredFile', data: { path, ...point }, text: `wrote ${path}: ${pointSentence(point)}\nNext: etcdutl snapshot restore ${to} --bump-revision 1000000000 --mark-compacted --data-dir FOLDER` });
    });
}
