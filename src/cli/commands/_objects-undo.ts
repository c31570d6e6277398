import type { Command } from 'commander';
import { nameOf } from '../../objects/stored-objects.ts';
import { listUndo, undoObjects } from '../../operations/objects/restore/restore-objects.ts';
import type { UndoRecord } from '../../operations/objects/restore/undo-record.ts';
import type { UndoStep } from '../../operations/objects/restore/undo-restore.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeUndo } from '../describe-object-restore.ts';
import { textTable, utc } from '../text-table.ts';
import { openBackupOperation } from '../wire.ts';
import { kubeconfigOption, withApiOf, type ApiFlags } from './_objects-api.ts';

interface UndoFlags extends ApiFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `objects undo`. */
export function addObjectsUndo(group: Command, cli: Cli, exit: (code: number) => void): void {
  group
    .command('undo [id]')
    .description('Take back what objects restore wrote: what was not there is removed, and what was there is as it was before. What was changed since stays, and is said (exit code 5). Without an id: list what can be undone.')
    .addOption(clusterFileOption())
    .addOption(kubeconfigOption())
    .option('--dry-run', 'show what would be done, and change nothing')
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .action(async (id: string | undefined, { dryRun = false, yes = false, ...flags }: UndoFlags) => {
      await using operation = await openBackupOperation(cli, flags);
      if (id === undefined) {
        const restores = (await listUndo(operation)).map(printedRecord);
        return cli.print({ kind: 'UndoList', data: { restores }, text: restores.length === 0 ? 'nothing was restored from this computer' : textTable([['ID', 'RESTORED (UTC)', 'OBJECTS', 'WHAT', 'UNDONE (UTC)'], ...restores.map((one) => [one.id, utc(Date.parse(one.begun)), String(one.objects), one.what, one.undone === undefined ? '' : utc(Date.parse(one.undone))])]) });
      }
      const { steps, performed } = await withApiOf(cli, flags, (api) => undoObjects(operation, api, {
        id, dryRun,
        confirm: async (planned) => {
          if (yes) return true;
          return cli.confirm('Do so?', describeUndo(planned));
        },
      }));
      cli.print({ kind: 'UndoneRestore', data: { id, performed, steps: steps.map(printedStep) }, text: `${describeUndo(steps)}\n${performed ? `${steps.filter(({ action }) => action === 'remove' || action === 'put-back').length} objects are as they were before` : dryRun ? 'nothing was changed (--dry-run)' : 'nothing was to be done'}` });
      exit(steps.some(({ action }) => action === 'keep') ? 5 : 0);
    });
}

interface PrintedRestore {
  readonly id: string;
  /** What was restored, and from where. */
  readonly what: string;
  readonly revision: number;
  /** RFC 3339, UTC. */
  readonly begun: string;
  readonly undone: string | undefined;
  /** How many were written. */
  readonly objects: number;
}

function printedRecord({ id, what, revision, begun, undone, entries }: UndoRecord): PrintedRestore {
  return { id, what, revision, begun, undone, objects: entries.length };
}

interface PrintedUndo {
  /** `none`: it is gone already, or as it was. `keep`: it is not what was restored any more. */
  readonly action: UndoStep['action'];
  /** Plural, with the group: "deployments.apps". */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly why: string | undefined;
}

function printedStep({ action, name, why }: UndoStep): PrintedUndo {
  return { action, resource: nameOf(name), namespace: name.namespace, name: name.name, why };
}
