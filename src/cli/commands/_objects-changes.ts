import { Option, type Command } from 'commander';
import { goodBases, isBefore } from '../../backup/points.ts';
import { quote } from '../../hosts/quote.ts';
import { duration } from '../../lib/duration.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { printable } from '../../objects/json.ts';
import type { ChangedField } from '../../objects/changed-fields.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import { deletedObjects, type DeletedObject } from '../../operations/objects/deleted-objects.ts';
import { objectHistory, type HistoryEntry } from '../../operations/objects/object-history.ts';
import type { OpenObjects } from '../../operations/objects/open-objects.ts';
import { customResources, findResources, keyOf } from '../../operations/objects/read-objects.ts';
import { wantedNames } from '../../operations/objects/wanted-names.ts';
import type { LogGap } from '../../operations/objects/log-parts.ts';
import type { Cli } from '../cli.ts';
import { changesLine } from '../describe-changes.ts';
import { timeWords } from '../past-point.ts';
import { textTable, utc } from '../text-table.ts';
import { calledObject, hiding, namespaceOption, objectWord, pointWords, wantedWords, withObjects, withRepositoryOptions, type SourceFlags } from './_objects.ts';

export const sinceWords = `${timeWords}, how long ago (10m, 2h, 3d), revision:N or base:N`;
/** So many commands are printed below the table. */
const mostCommands = 5;

type HistoryFlags = Omit<SourceFlags, 'fromFile'> & { readonly namespace?: string; readonly since?: string };

export function addHistory(group: Command, cli: Cli): void {
  withRepositoryOptions(group.command('history <object>'))
    .description('Show every revision of one object, KIND/NAME, that the log has: when, by whom, and what changed.')
    .addOption(namespaceOption())
    .option('--at <point>', `up to ${pointWords} (default: latest)`)
    .option('--since <point>', `from ${sinceWords} (default: all)`)
    .action(async (object: string, { namespace = 'default', at = 'latest', since, ...flags }: HistoryFlags) => {
      const { kind, name } = objectWord(object);
      await withObjects(cli, flags, async (open, operation) => {
        const { point: upTo, state } = await open.at(at);
        const [resource] = await findResources(state, kind);
        const start = since === undefined ? undefined : (await startOf(cli, open, since)).point;
        const history = await objectHistory(operation, open, { key: keyOf(resource!, namespace, name), since: start, upTo, encryptionKeys: await open.encryptionKeys(), hide: hiding(flags.reveal) });
        if (!history.some((one) => one.kind !== 'gap')) throw new KubekeepError('object-missing', `there was no ${calledObject(resource!, namespace, name)} at any time from ${start ? 'then' : 'the oldest base'} up to ${state.called}`);
        cli.print({ kind: 'ObjectHistory', data: { history: history.map((one) => (one.kind === 'gap' ? one : { ...one, changes: one.changes.map(printedChange) })) }, text: textTable([['TIME (UTC)', 'REVISION', 'BY', 'WHAT'], ...history.map(historyRow)]) });
      });
    });
}

function historyRow(entry: HistoryEntry): readonly string[] {
  if (entry.kind === 'gap') return ['', `${entry.first} to ${entry.last}`, '', `not known: ${entry.why}`];
  const { kind, revision, time, manager = '', changes, why } = entry;
  const what = { there: 'was there already', made: 'made', deleted: 'deleted', changed: changesLine(changes) || 'nothing but who manages which field' };
  return [time === undefined ? '' : utc(time), String(revision), manager, why ?? what[kind]];
}

type DeletedFlags = Omit<SourceFlags, 'fromFile'> & { readonly namespace?: string; readonly since: string; readonly all?: boolean };

export function addDeleted(group: Command, cli: Cli): void {
  withRepositoryOptions(group.command('deleted [kind]'))
    .description('Show what was deleted: when, and the point just before it. Of all kinds and namespaces where none is named.')
    .addOption(new Option('-n, --namespace <name>', 'only of this namespace'))
    .requiredOption('--since <point>', sinceWords)
    .option('--at <point>', `up to ${pointWords} (default: latest)`)
    .option('--all', 'leases, events, endpoints and the addresses of Services too')
    .action(async (kind: string | undefined, { namespace, since, at = 'latest', all = false, ...flags }: DeletedFlags) => {
      await withObjects(cli, flags, async (open, operation) => {
        const { point: upTo, state } = await open.at(at);
        const start = await startOf(cli, open, since);
        const { has: wanted } = await wantedNames(wantedWords(kind, namespace), [start.state, state].map((one) => () => customResources(one)));
        const { deleted, gaps } = await deletedObjects(operation, open, { since: start.point, upTo, all, wanted });
        const found = deleted.map((one) => ({ ...one, resource: nameOf(one), command: commandFor(one, flags.file) }));
        cli.print({ kind: 'DeletedObjects', data: { deleted: found, gaps }, text: deletedText(found, gaps, state.called) });
      });
    });
}

function deletedText(found: readonly (DeletedObject & { readonly command: string | undefined })[], gaps: readonly LogGap[], upTo: string): string {
  const rows = found.map((one) => [utc(one.time), `${one.resource}/${one.name}`, one.namespace, `revision:${one.before}`, one.madeAgain === undefined ? '' : `at revision ${one.madeAgain}`, one.wentWith ?? '']);
  const commands = found.flatMap(({ madeAgain, command }) => (madeAgain === undefined && command !== undefined ? [command] : []));
  return [
    ...(found.length === 0 ? [`${gaps.length === 0 ? 'nothing was deleted' : 'nothing that is known was deleted'} up to ${upTo}`] : [textTable([['DELETED (UTC)', 'OBJECT', 'NAMESPACE', 'POINT BEFORE', 'MADE AGAIN', 'WENT WITH'], ...rows])]),
    ...gaps.map(({ first, last, why }) => `not known of revisions ${first} to ${last}: ${why}`),
    ...(commands.length === 0 ? [] : [`\nTo have them again${commands.length > mostCommands ? ` (the last ${mostCommands})` : ''}; each shows first what it would do:\n${commands.slice(-mostCommands).map((command) => `  ${command}`).join('\n')}`]),
  ].join('\n');
}

/** None for what comes back with something else. */
function commandFor({ namespace, name, before, wentWith, ...resource }: DeletedObject, file: string): string | undefined {
  if (wentWith !== undefined) return undefined;
  const what = nameOf(resource) === 'namespaces' ? `ns/${name}` : `${nameOf(resource)}/${name}`;
  return ['kubekeep objects restore', quote(what), ...(namespace === '' ? [] : [`-n ${namespace}`]), `--at revision:${before}`, ...(file === 'cluster.yaml' ? [] : [`--file ${quote(file)}`])].join(' ');
}

/** A point, or how long ago. What lies before the oldest base begins with that, and it is said. */
export async function startOf({ clock, progress }: Pick<Cli, 'clock' | 'progress'>, { at, repository }: OpenObjects, text: string): ReturnType<OpenObjects['at']> {
  const ago = duration(text);
  const point = ago === undefined ? text : new Date(clock.now() - ago).toISOString();
  try {
    return await at(point);
  } catch (error) {
    const oldest = goodBases(repository.chain)[0];
    if (!(error instanceof KubekeepError) || error.code !== 'point-missing' || !oldest || !isBefore(point, oldest)) throw error;
    progress({ type: 'note', title: `nothing is known before ${new Date(oldest.time).toISOString()}, revision ${oldest.revision}`, step: 'objects/since' });
    return at(`base:${oldest.number}`);
  }
}

export interface PrintedChange {
  /** As a person writes it: "spec.template.spec.containers[web].image". */
  readonly path: string;
  /** Undefined where there was, or is, nothing. */
  readonly before: unknown;
  readonly after: unknown;
}

export function printedChange({ path, before, after }: ChangedField): PrintedChange {
  return { path, before: before === undefined ? undefined : printable(before), after: after === undefined ? undefined : printable(after) };
}
