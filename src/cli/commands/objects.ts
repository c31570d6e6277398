import { Option, type Command } from 'commander';
import { KubekeepError } from '../../lib/errors.ts';
import { printable, type JsonObject } from '../../objects/json.ts';
import { manifestOf } from '../../objects/manifest.ts';
import { parseLabelSelector } from '../../objects/label-selector.ts';
import type { Resource } from '../../objects/resources.ts';
import { nameOf } from '../../objects/stored-objects.ts';
import { findObject, findObjects, findResources, keyOf, type FoundObject } from '../../operations/objects/read-objects.ts';
import type { AddCommand } from '../add-command.ts';
import type { Cli } from '../cli.ts';
import { objectRow, objectTable, type ObjectRow } from '../object-table.ts';
import { addDeleted, addHistory } from './_objects-changes.ts';
import { addDiff } from './_objects-diff.ts';
import { addObjectsExport } from './_objects-export.ts';
import { addObjectsRestore } from './_objects-restore.ts';
import { addSearch } from './_objects-search.ts';
import { withSelectionOptions, type SelectionFlags } from './_objects-selection.ts';
import { addObjectsUndo } from './_objects-undo.ts';
import { calledObject, documentText, namespaceOption, objectWord, outputOf, outputs, refuseHidden, shown, tellUnknown, whenItWas, withSourceOptions, withState, type Output, type SourceFlags } from './_objects.ts';

/** `objects list|get|history|diff|deleted|search|export|restore|undo`. */
export const addObjects: AddCommand = (program, cli, exit) => {
  const group = program.command('objects').description('Read Kubernetes objects straight out of a backup, as they were at any moment, without a cluster; and give a cluster single ones of them again.');
  addList(group, cli, exit);
  addGet(group, cli);
  addHistory(group, cli);
  addDiff(group, cli, exit);
  addDeleted(group, cli);
  addSearch(group, cli);
  addObjectsExport(group, cli, exit);
  addObjectsRestore(group, cli, exit);
  addObjectsUndo(group, cli, exit);
};

interface ListFlags extends SourceFlags, SelectionFlags {
  readonly output: Output;
}

const outputOption = (otherwise: Output) => new Option('-o, --output <form>', `how to print: ${outputs.join(', ')} or jsonpath=TEMPLATE as kubectl has it; a manifest is YAML without what API servers and controllers fill in: for kubectl create`).argParser(outputOf).default(otherwise);

function addList(group: Command, cli: Cli, exit: (code: number) => void): void {
  withSelectionOptions(withSourceOptions(group.command('list <kind>')))
    .description('List the objects of a kind, or of several with commas: kubectl\'s names and short names, custom resources too. Exit code 5 when one of them cannot be read.')
    .addOption(outputOption('table'))
    .action(async (kind: string, { namespace = 'default', allNamespaces, selector, output, ...flags }: ListFlags) => {
      const wanted = { namespace: allNamespaces ? undefined : namespace, selector: selector === undefined ? undefined : parseLabelSelector(selector) };
      await withState(cli, flags, async (state, keys) => {
        const resources = await findResources(state, kind);
        refuseHidden(output, resources, flags.reveal);
        const [show, lists] = [shown(flags), [] as FoundList[]];
        for (const resource of resources) {
          lists.push({ resource, found: await findObjects(state, resource, wanted, keys, (stored) => {
            const found = show(stored);
            tellUnknown(cli, found);
            // Of many objects a table needs little.
            return { row: objectRow(resource, found), object: output === 'table' ? undefined : found.object, printed: cli.json ? plain(found) : undefined };
          }) });
        }
        const all = lists.flatMap(({ found }) => found);
        const text = output === 'table' ? lists.map((list) => tableOrNone(list, wanted.namespace, state.called)).join('\n\n') : documentText(output, { apiVersion: 'v1', kind: 'List', items: all.flatMap(({ object }) => (object ? [output === 'manifest' ? manifestOf(object) : object] : [])) });
        cli.print({ kind: 'Objects', data: { from: state.called, objects: all.flatMap(({ printed }) => printed ?? []) }, text });
        exit(all.every(({ row }) => row.why === undefined) ? 0 : 5);
      });
    });
}

interface FoundList {
  readonly resource: Resource;
  readonly found: readonly { readonly row: ObjectRow; readonly object: JsonObject | undefined; readonly printed: PrintedObject | undefined }[];
}

function tableOrNone({ resource, found }: FoundList, namespace: string | undefined, from: string): string {
  if (found.length > 0) return objectTable(resource, found.map(({ row }) => row), { namespaces: resource.namespaced && namespace === undefined });
  return `no ${nameOf(resource)}${resource.namespaced && namespace !== undefined ? ` in namespace ${namespace}` : ''} (${from})`;
}

interface GetFlags extends SourceFlags {
  readonly namespace?: string;
  readonly output: Output;
}

function addGet(group: Command, cli: Cli): void {
  withSourceOptions(group.command('get <object>'))
    .description('Print one object, KIND/NAME, as an API server would have given it then.')
    .addOption(namespaceOption())
    .addOption(outputOption('yaml'))
    .action(async (object: string, { namespace = 'default', output, ...flags }: GetFlags) => {
      const { kind, name } = objectWord(object);
      await withState(cli, flags, async (state, keys, repository) => {
        const [resource] = await findResources(state, kind);
        refuseHidden(output, [resource!], flags.reveal);
        const stored = await findObject(state, keyOf(resource!, namespace, name), keys);
        const called = calledObject(resource!, namespace, name);
        if (!stored) throw new KubekeepError('object-missing', `there was no ${called} (${state.called})`, { hint: repository && (await whenItWas(repository, keyOf(resource!, namespace, name))) });
        if (!stored.object) throw new KubekeepError('object-unreadable', `${called} cannot be read: ${stored.why}`);
        const found = shown(flags)(stored);
        tellUnknown(cli, found);
        cli.print({ kind: 'Object', data: { from: state.called, ...plain(found) }, text: output === 'table' ? objectTable(resource!, [objectRow(resource!, found)], { namespaces: resource!.namespaced }) : documentText(output, output === 'manifest' ? manifestOf(found.object!) : found.object!) });
      });
    });
}

interface PrintedObject {
  /** Plural, with the group: "deployments.apps". */
  readonly resource: string;
  /** Empty where it lies in none. */
  readonly namespace: string;
  readonly name: string;
  /** That wrote it last. */
  readonly revision: number;
  /** As an API server would give it; none where it cannot be read. */
  readonly object: Readonly<Record<string, unknown>> | undefined;
  /** Fields that this release does not know: they are left out of the object. */
  readonly unknown: readonly string[];
  /** Why it cannot be read. */
  readonly why: string | undefined;
}

function plain(found: FoundObject): PrintedObject {
  const { name, revision } = found;
  const object = found.object && printable(found.object);
  return { resource: nameOf(name), namespace: name.namespace, name: name.name, revision, object, unknown: found.object ? found.unknown : [], why: found.object ? undefined : found.why };
}
