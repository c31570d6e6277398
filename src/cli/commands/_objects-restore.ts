import { Option, type Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import type { ChangedField } from '../../objects/changed-fields.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import type { CheckedStep } from '../../operations/objects/restore/check-plan.ts';
import { conflictWays, type LeftOut, type OnConflict } from '../../operations/objects/restore/plan-restore.ts';
import { restoreObjects } from '../../operations/objects/restore/restore-objects.ts';
import type { Selection } from '../../operations/objects/restore/selection.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { describeObjectRestore, describeOutcome } from '../describe-object-restore.ts';
import { kubeconfigOption, withApiOf, type ApiFlags } from './_objects-api.ts';
import { printedChange, type PrintedChange } from './_objects-changes.ts';
import { selectWith, withSelectionOptions, type SelectionFlags } from './_objects-selection.ts';
import { pointWords, withObjects } from './_objects.ts';

interface RestoreFlags extends SelectionFlags, ApiFlags {
  readonly at: string;
  readonly namespaceTo?: string;
  readonly onConflict: OnConflict;
  readonly withStatus?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `objects restore`. */
export function addObjectsRestore(group: Command, cli: Cli, exit: (code: number) => void): void {
  withSelectionOptions(group.command('restore <what>'))
    .description('Give the cluster again what it had at a point: an object (KIND/NAME), objects of a kind, or a namespace with everything in it (ns/NAME). Shows the plan first, which the API server has checked in a dry run; nothing is written where it would refuse something (exit code 3). What controllers make anew is left to them, and what is there already stays. Run again, it changes nothing.')
    .addOption(clusterFileOption())
    .requiredOption('--at <point>', pointWords)
    .addOption(kubeconfigOption())
    .option('--namespace-to <name>', 'into another namespace, beside what is there')
    .addOption(new Option('--on-conflict <way>', 'what becomes of an object that is there and not the same: it stays (skip), becomes what it was (replace), gets the fields that it had (merge), or nothing is done at all (fail)').choices(conflictWays).default('skip'))
    .option('--with-status', 'the status of then too, where the kind has one')
    .option('--dry-run', 'show the plan, and write nothing')
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .option('--encryption-config <path>', 'the EncryptionConfiguration that API servers had then, for a cluster that kubekeep did not build')
    .action(async (what: string, flags: RestoreFlags) => {
      const { at, namespaceTo: to, onConflict, withStatus = false, dryRun = false, yes = false } = flags;
      await withObjects(cli, flags, async (open, operation) => {
        const { point, state } = await open.at(at);
        const selection = await selectWith({ state, keys: open.encryptionKeys, repository: { open, operation, point } }, what, flags);
        if (to !== undefined) refuseSeveral(selection);
        const result = await withApiOf(cli, flags, (api) => restoreObjects(operation, api, selection, {
          to, onConflict, withStatus, dryRun, what: `${what} at revision ${point.revision}`, revision: point.revision,
          confirm: async (plan) => {
            if (yes) return true;
            return cli.confirm(`Write ${plan.steps.filter(({ verdict }) => verdict === 'ready').length} objects as of ${state.called}?`, describeObjectRestore(plan));
          },
        }));
        const { plan: { steps, left, cluster }, applied, stayed, undo } = result;
        const refusedLater = new Map(applied?.refused.map(({ step, why }) => [step.path, why]));
        const stayedWhy = new Map(stayed.map(({ entry, why }) => [entry.path, why]));
        const written = new Set(applied?.onlyFoundations ? stayedWhy.keys() : applied?.written.map(({ step }) => step.path));
        const printedSteps = steps.map((step) => printedStep(step, { written: written.has(step.path), refused: refusedLater.get(step.path), stayed: stayedWhy.get(step.path) }));
        cli.print({ kind: 'RestoredObjects', data: { from: state.called, cluster, undo, steps: printedSteps, left: left.map(printedLeft) }, text: [`${what}, ${state.called}`, describeObjectRestore(result.plan), describeOutcome(result, dryRun)].filter((part) => part !== '').join('\n') });
        const isRefused = printedSteps.some(({ outcome }) => outcome === 'refused');
        exit(isRefused ? 3 : left.some(({ unreadable }) => unreadable) ? 5 : 0);
      });
    });
}

/** Objects of two namespaces may have one name. Throws `usage`. */
function refuseSeveral({ objects }: Selection): void {
  const namespaces = [...new Set(objects.flatMap(({ name }) => (name.namespace === '' ? (nameOf(name) === 'namespaces' ? [name.name] : []) : [name.namespace])))];
  if (namespaces.length > 1) throw new KubekeepError('usage', `--namespace-to takes objects of one namespace, and these are of ${namespaces.slice(0, 3).join(', ')}${namespaces.length > 3 ? ' and others' : ''}`);
}

interface PrintedStep {
  readonly action: CheckedStep['action'];
  /** Plural, with the group: "deployments.apps". */
  readonly resource: string;
  /** Where it goes; empty where it lies in none. */
  readonly namespace: string;
  readonly name: string;
  /** `ready`: it would be written, or was not reached. `same`: there already. `kept`: there, not the same, and left so. */
  readonly outcome: CheckedStep['verdict'] | 'written';
  /** Why it is kept or refused, or not taken away again when others were refused. */
  readonly why: string | undefined;
  /** What is not as it was then. */
  readonly notes: readonly string[];
  /** What would be different of one that is there. */
  readonly changes: readonly PrintedChange[];
}

function printedStep({ action, name, verdict, why, notes, changes }: CheckedStep, { written, refused, stayed }: { readonly written: boolean; readonly refused: string | undefined; readonly stayed: string | undefined }): PrintedStep {
  const outcome = refused !== undefined ? 'refused' : written ? 'written' : verdict;
  return { action, resource: nameOf(name), namespace: name.namespace, name: name.name, outcome, why: refused ?? stayed ?? why, notes, changes: changes.map((one: ChangedField) => printedChange(one)) };
}

export interface PrintedLeft {
  /** Plural, with the group: "replicasets.apps". */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly why: string;
}

export function printedLeft({ name, why }: LeftOut): PrintedLeft {
  return { resource: nameOf(name), namespace: name.namespace, name: name.name, why };
}
