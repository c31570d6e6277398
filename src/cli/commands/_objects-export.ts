import type { Command } from 'commander';
import { resolve } from 'node:path';
import { KubekeepError } from '../../lib/errors.ts';
import { isObject, type JsonObject } from '../../objects/json.ts';
import { manifestOf, without } from '../../objects/manifest.ts';
import { nameOf, type ObjectName } from '../../objects/stored-objects.ts';
import { refuseForeignFolder, writeExport } from '../../operations/objects/export-objects.ts';
import { leftOut, type LeftOut } from '../../operations/objects/restore/plan-restore.ts';
import { idOf } from '../../operations/objects/restore/selection.ts';
import type { Cli } from '../cli.ts';
import { describeObjectRestore } from '../describe-object-restore.ts';
import { printedLeft } from './_objects-restore.ts';
import { selectWith, withSelectionOptions, type SelectionFlags } from './_objects-selection.ts';
import { documentText, withSourceOptions, withState, type SourceFlags } from './_objects.ts';

type ExportFlags = SelectionFlags & SourceFlags & { readonly to: string };

/** Of kubectl: a copy of what was applied, which the file itself is then. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** `objects export`. */
export function addObjectsExport(group: Command, cli: Cli, exit: (code: number) => void): void {
  withSelectionOptions(withSourceOptions(group.command('export <what>')))
    .description('Write manifests, one a file, ready for git: of an object (KIND/NAME), of a kind, or of a namespace with everything in it (ns/NAME). Without what API servers and controllers fill in, and without what controllers make; Secrets only with --reveal. Written again into the same folder, what is gone goes there too. Exit code 5 when an object cannot be read.')
    .requiredOption('--to <folder>', 'an empty folder, one that does not exist, or one that an export wrote')
    .action(async (what: string, { to, ...flags }: ExportFlags) => {
      const folder = resolve(to);
      await refuseForeignFolder(folder);
      await withState(cli, flags, async (state, keys, repository) => {
        const selection = await selectWith({ state, keys, repository }, what, flags);
        const hidden = flags.reveal ? [] : selection.objects.filter(({ name }) => nameOf(name) === 'secrets').map(({ name }): LeftOut => ({ name, why: '--reveal writes it, with what it holds', unreadable: false }));
        const left = [...hidden, ...leftOut(selection, new Map()).filter(({ name }) => flags.reveal || nameOf(name) !== 'secrets')];
        const out = new Set(left.map(({ name }) => idOf(name)));
        const files = selection.objects.flatMap(({ name, object }) => (object && !out.has(idOf(name)) ? [{ path: pathOf(name), text: `${documentText('yaml', tidy(object))}\n`, secret: nameOf(name) === 'secrets' }] : []));
        await writeExport(folder, files);
        const text = [...(left.length === 0 ? [] : [describeObjectRestore({ steps: [], left, cluster: 'unknown' })]), `wrote ${files.length} ${files.length === 1 ? 'manifest' : 'manifests'} to ${folder} (${state.called})`].join('\n');
        cli.print({ kind: 'ExportedObjects', data: { from: state.called, folder, files: files.map(({ path }) => path), left: left.map(printedLeft) }, text });
        exit(left.some(({ unreadable }) => unreadable) ? 5 : 0);
      });
    });
}

function tidy(object: JsonObject): JsonObject {
  const manifest = manifestOf(object);
  const { annotations, ...metadata } = manifest['metadata'] as JsonObject;
  const kept = without(annotations, [lastApplied]);
  return { ...manifest, metadata: { ...metadata, ...(isObject(annotations) && Object.keys(kept).length > 0 && { annotations: kept }) } };
}

/** Names come from etcd's keys. Throws `object-unreadable` where one would leave the folder. */
function pathOf(name: ObjectName): string {
  const parts = [name.namespace === '' ? '_cluster' : name.namespace, nameOf(name), `${name.name}.yaml`];
  if (parts.some((part) => part === '..' || part === '.' || part.includes('\0'))) throw new KubekeepError('object-unreadable', `${nameOf(name)} ${JSON.stringify(name.name)} has a name that no file can have`);
  return parts.join('/');
}
