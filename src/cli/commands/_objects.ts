import { Option, type Command } from 'commander';
import { resolve } from 'node:path';
import { stringify } from 'yaml';
import type { Point } from '../../backup/points.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { EncryptionKeys } from '../../objects/encrypted-value.ts';
import { hideSecrets, type HideSecrets } from '../../objects/hide-secrets.ts';
import { parseJsonPath } from '../../objects/json-path.ts';
import { isObject, jsonText, sorted, type JsonObject } from '../../objects/json.ts';
import type { ReadOperation } from '../../operations/backup/backup-operation.ts';
import type { Resource } from '../../objects/resources.ts';
import { nameOf, shownName } from '../../objects/stored-objects.ts';
import { stateOfFile, type ObjectState } from '../../operations/objects/object-state.ts';
import { keysOfFile, once, openObjects, type OpenObjects } from '../../operations/objects/open-objects.ts';
import type { FindKeys, FoundObject } from '../../operations/objects/read-objects.ts';
import type { WantedWords } from '../../operations/objects/wanted-names.ts';
import { whenThere } from '../../operations/objects/when-there.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { timeWords } from '../past-point.ts';
import { openBackupOperation, storeOf } from '../wire.ts';

export interface SourceFlags {
  readonly file: string;
  readonly at?: string;
  readonly fromFile?: string;
  readonly copy?: boolean;
  readonly encryptionConfig?: string;
  readonly reveal?: boolean;
  readonly showManagedFields?: boolean;
}

export const outputs = ['table', 'yaml', 'json', 'manifest'] as const;
/** The last one is what a template of jsonpath makes of an object. */
export type Output = (typeof outputs)[number] | ((object: JsonObject) => string);

/** Throws `usage`. */
export function outputOf(word: string): Output {
  if (word.startsWith('jsonpath=')) return parseJsonPath(word.slice('jsonpath='.length));
  const found = outputs.find((one) => one === word);
  if (!found) throw new KubekeepError('usage', `"${word}" is no way to print objects`, { hint: `One of ${outputs.join(', ')}, or jsonpath=TEMPLATE.` });
  return found;
}


export const namespaceOption = () => new Option('-n, --namespace <name>', 'the namespace (default: default)');
export const pointWords = `latest, ${timeWords}, revision:N or base:N`;

/** Which repository, and how what is encrypted in it is shown. */
export function withRepositoryOptions(command: Command): Command {
  return command
    .addOption(clusterFileOption())
    .option('--encryption-config <path>', 'the EncryptionConfiguration that API servers had then, for a cluster that kubekeep did not build')
    .option('--reveal', 'show what Secrets hold')
    .option('--show-managed-fields', 'show who manages which field');
}

/** For commands that look at one moment. */
export function withSourceOptions(command: Command): Command {
  return withRepositoryOptions(command)
    .option('--at <point>', `${pointWords} (default: latest)`)
    .option('--from-file <path>', 'read a snapshot, or the database file or the data folder of an etcd that is stopped, instead of the repository')
    .option('--copy', 'with --from-file: of an etcd that runs, read a copy');
}

/** Where a state comes from a repository. */
export interface OpenPoint {
  readonly open: OpenObjects;
  readonly operation: ReadOperation;
  readonly point: Point;
}

/** Gives `work` what is read out of: a repository's point or a file. */
export async function withState<T>(cli: Cli, { file, at, fromFile, copy = false, encryptionConfig }: SourceFlags, work: (state: ObjectState, keys: FindKeys, repository?: OpenPoint) => Promise<T>): Promise<T> {
  if (fromFile !== undefined) {
    if (at !== undefined) throw new KubekeepError('usage', 'a file is one point: give either --at or --from-file');
    const keys = once<EncryptionKeys>(async () => (encryptionConfig === undefined ? new Map() : keysOfFile(resolve(encryptionConfig))));
    return work(stateOfFile(cli, resolve(fromFile), { copy }), keys);
  }
  return withObjects(cli, { file, encryptionConfig }, async (open, operation) => {
    const { state, point } = await open.at(at ?? 'latest');
    return work(state, open.encryptionKeys, { open, operation, point });
  });
}

/** The same with the whole repository. */
export async function withObjects<T>(cli: Cli, { file, encryptionConfig }: { readonly file: string; readonly encryptionConfig?: string | undefined }, work: (open: OpenObjects, operation: ReadOperation) => Promise<T>): Promise<T> {
  await using operation = await openBackupOperation(cli, { file });
  // Before the operation ends.
  return await work(await openObjects(operation, storeOf(operation), encryptionConfig && resolve(encryptionConfig)), operation);
}

/** What is shown of objects: what Secrets hold, and who manages which field, only where it was asked for. */
export function shown({ reveal, showManagedFields }: Pick<SourceFlags, 'reveal' | 'showManagedFields'>): <T extends FoundObject>(found: T) => T {
  const hide = hiding(reveal);
  const less = (object: JsonObject): JsonObject => {
    if (showManagedFields || !isObject(object['metadata'])) return object;
    const { managedFields: _, ...metadata } = object['metadata'];
    return { ...object, metadata };
  };
  return (found) => (found.object ? { ...found, object: less(hide(found.object)) } : found);
}

/** Hides what Secrets hold, unless it is to be shown. */
export function hiding(reveal: boolean | undefined): HideSecrets {
  return reveal ? (object) => object : hideSecrets();
}

/** For sentences: "deployments.apps/web in namespace shop". */
export function calledObject(resource: Resource, namespace: string, name: string): string {
  return `${nameOf(resource)}/${name}${resource.namespaced ? ` in namespace ${namespace}` : ''}`;
}

/** What is hidden cannot be created. Throws `usage`. */
export function refuseHidden(output: Output, resources: readonly Resource[], reveal: boolean | undefined): void {
  if (output === 'manifest' && !reveal && resources.some((one) => nameOf(one) === 'secrets')) throw new KubekeepError('usage', 'a manifest of a Secret has to have what it holds', { hint: 'Add --reveal.' });
}

/** As kubectl prints it, one object or a List: quoted for readers of YAML 1.1 too, to whom `yes` is a boolean. */
export function documentText(output: Exclude<Output, 'table'>, object: JsonObject): string {
  if (typeof output === 'function') return output(object);
  return output === 'json' ? jsonText(object) : stringify(sorted(object), { version: '1.1', indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}

/** On stderr, where a newer Kubernetes wrote what this release cannot read. */
export function tellUnknown({ progress }: Pick<Cli, 'progress'>, found: FoundObject): void {
  if (!found.object || found.unknown.length === 0) return;
  progress({ type: 'note', title: `left out of ${found.name.resource}/${shownName(found.name.name)}: ${found.unknown.join(', ')}`, detail: 'a newer Kubernetes wrote it', step: 'objects/unknown' });
}

/** Throws `usage`. */
export function objectWord(text: string): { readonly kind: string; readonly name: string } {
  const [, kind, name] = /^([^/,]+)\/([^/]+)$/.exec(text) ?? [];
  if (kind === undefined || name === undefined) throw new KubekeepError('usage', `"${text}" is no object`, { hint: 'One object is KIND/NAME, such as deploy/web.' });
  return { kind, name };
}

/** KIND or KIND/NAME, where one is given. Throws `usage`. */
export function wantedWords(word: string | undefined, namespace: string | undefined): WantedWords {
  return { ...(word?.includes('/') ? objectWord(word) : { kind: word, name: undefined }), namespace };
}

/** A hint for an object that was not there at a point. */
export async function whenItWas({ operation, open, point }: OpenPoint, key: string): Promise<string> {
  const { deleted, made } = await whenThere(operation, open, point, key);
  if (deleted !== undefined) return `It was deleted at revision ${deleted}: --at revision:${deleted - 1} has it.`;
  return made === undefined ? 'kubekeep objects history says whether it was there at another time.' : `It was made later: --at revision:${made} has it.`;
}
