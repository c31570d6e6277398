import { resolve } from 'node:path';
import type { Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { restoreFile } from '../../operations/backup/restore-file.ts';
import { restoreCluster } from '../../operations/restore/restore-cluster.ts';
import { verifyPoint } from '../../operations/backup/verify-point.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeRestore, describeRestored } from '../describe-restore.ts';
import { openBackupOperation, openOperation, storeOf } from '../wire.ts';
import { pointSentence, verdictText } from './_backup.ts';
import { pointWords } from './_objects.ts';
import { addRestoreState } from './restore-state.ts';

interface Flags {
  readonly file: string;
  readonly at: string;
}

/** `restore file|verify|cluster|state`. */
export const addRestore: AddCommand = (program, cli, exit) => {
  const group = program.command('restore').description('Get back what a repository holds.');
  addFile(group, cli);
  addVerify(group, cli, exit);
  addCluster(group, cli);
  addRestoreState(group, cli);
};

const at = ['--at <point>', pointWords, 'latest'] as const;

function addFile(group: Command, cli: Cli): void {
  group
    .command('file')
    .description('Write a snapshot of etcd as etcdctl would have saved it at a point: a base is the file that etcd sent, between two bases the log is replayed. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .option(...at)
    .requiredOption('--to <path>', 'the file to write')
    .action(async ({ file, at: wanted, to }: Flags & { readonly to: string }) => {
      await using operation = await openBackupOperation(cli, { file });
      const path = resolve(to);
      cli.progress({ type: 'started', title: `restore: ${wanted}`, step: 'restore/file' });
      const point = await restoreFile(operation, storeOf(operation), { at: wanted, path });
      cli.print({ kind: 'RestoredFile', data: { path, ...point }, text: `wrote ${path}: ${pointSentence(point)}\nNext: etcdutl snapshot restore ${to} --bump-revision 1000000000 --mark-compacted --data-dir FOLDER` });
    });
}

function addVerify(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('verify')
    .description('Restore a point into a real etcd, compare it with what the members said they had, read every object of it with a real kube-apiserver, and write down what was found. Both run on this computer without a network and are thrown away. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .option(...at)
    .action(async ({ file, at: wanted }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const { point, verdict, entry } = await verifyPoint(operation, storeOf(operation), wanted);
      cli.print({ kind: 'Verdict', data: { verdict, entry, point }, text: verdictText(point, verdict, entry) });
      exit(verdict.outcome === 'held' ? 0 : 5);
    });
}

interface ClusterFlags {
  readonly file: string;
  readonly at?: string;
  readonly rollBack?: boolean;
  readonly dryRun?: boolean;
  readonly skipUnreachable?: boolean;
  readonly rotateTokens?: boolean;
  readonly ownerKey?: string;
  readonly yes?: boolean;
}

function addCluster(group: Command, cli: Cli): void {
  group
    .command('cluster')
    .description('Put the whole cluster back to a point: etcd of then, with revisions that no client has seen, on the hosts of the cluster file, which may be others than then. What etcd has now is kept beside it. Shows first what changes for those who live in the cluster. Run again, it goes on where it was cut.')
    .addOption(clusterFileOption())
    .option('--at <point>', pointWords)
    .option('--roll-back', 'back to what was kept before the last restore, or before the one that is not finished')
    .option('--dry-run', 'show the plan and what changes, and touch nothing')
    .option('--skip-unreachable', 'go on with a majority of the etcd hosts; kubekeep apply takes the others in when they are back')
    .option('--rotate-tokens', 'make worthless what tokens of then stand in Secrets: those for joining are deleted, those of service accounts made anew')
    .option('--owner-key <key>', "the owner's key that backup init printed; needed with --yes where the keys of the cluster are in the repository alone")
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .action(async ({ file, at, rollBack = false, dryRun = false, skipUnreachable = false, rotateTokens = false, ownerKey, yes = false }: ClusterFlags) => {
      if ((at === undefined) === !rollBack) throw new KubekeepError('usage', 'give either --at or --roll-back', { hint: 'kubekeep backup list shows the points that there are.' });
      await using operation = await openOperation(cli, { file, connectTimeout: 5 });
      const { plan, performed } = await restoreCluster(operation, storeOf(operation), {
        at: at ?? 'roll-back',
        rollBack,
        dryRun,
        skipUnreachable,
        rotateTokens,
        isOwner: async (owner) => (ownerKey === undefined ? !yes && cli.confirm(`The keys of the cluster are taken from a repository whose owner is ${owner}. Is that what backup init printed?`) : ownerKey === owner),
        confirm: async (proposed) => {
          if (yes) return true;
          return cli.confirm(`Put cluster ${proposed.cluster} back? Its clients are cut off meanwhile.`, describeRestore(proposed));
        },
      });
      cli.print({ kind: 'RestoredCluster', data: { performed, plan }, text: performed ? describeRestored(plan, file) : describeRestore(plan) });
    });
}
