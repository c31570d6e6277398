import { resolve } from 'node:path';
import { baseAt, basesOf } from '../../backup/points.ts';
import { captureKeys, writeSnapshot } from '../../backup/write-snapshot.ts';
import { openToRead } from '../../operations/backup/open-backup.ts';
import type { AddCommand } from '../add-command.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { openOperation, storeOf } from '../wire.ts';
import { sentence } from './_backup.ts';

interface Flags {
  readonly file: string;
  readonly at: string;
  readonly to: string;
}

/** `restore file`. */
export const addRestore: AddCommand = (program, cli) => {
  program
    .command('restore')
    .description('Get back what a repository holds.')
    .command('file')
    .description('Write a snapshot of etcd as etcdctl would have saved it, from the newest base at or before a point. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .option('--at <point>', 'latest, a time such as 2026-11-25T14:02:00Z, revision:N or base:N', 'latest')
    .requiredOption('--to <path>', 'the file to write')
    .action(async ({ file, at, to }: Flags) => {
      await using operation = await openOperation(cli, { file });
      const { repository, identity } = await openToRead(operation, storeOf(operation.cluster));
      const base = baseAt(basesOf(repository.chain), at);
      cli.progress({ type: 'started', title: `restore: ${sentence(base)}`, step: 'restore/file' });
      await writeSnapshot(repository, base, resolve(to), captureKeys(repository, identity));
      cli.print({ kind: 'RestoredFile', data: { path: resolve(to), base }, text: `wrote ${resolve(to)}: ${sentence(base)}\nNext: etcdutl snapshot restore ${to} --bump-revision 1000000000 --mark-compacted --data-dir FOLDER` });
    });
};
