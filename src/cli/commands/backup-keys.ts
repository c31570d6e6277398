import { stat } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { allOf } from '../../backup/recipients.ts';
import { addKeys, keyUses, removeKeys, type ChangedKeys, type KeyUse } from '../../operations/backup/change-keys.ts';
import { hostWriters, revokeHost } from '../../operations/backup/host-writers.ts';
import { openToRead } from '../../operations/backup/open-backup.ts';
import { proveKey, type KeyProof } from '../../operations/backup/prove-key.ts';
import { readIdentity } from '../../operations/state.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Cli } from '../cli.ts';
import { clusterFileOption } from '../cluster-file.ts';
import { textTable } from '../text-table.ts';
import { openBackupOperation, openOperation, storeAt, storeOf } from '../wire.ts';
import { givenIdentity, identityOption } from './_identity.ts';
import { placeOf, withPlaceOptions, type PlaceFlags } from './_place.ts';

interface Flags extends PlaceFlags {
  readonly file: string;
  readonly for?: KeyUse;
  readonly yes?: boolean;
  readonly identity?: string;
}

/** `backup keys list|add|remove|prove|revoke`. */
export function addBackupKeys(group: Command, cli: Cli, exit: (code: number) => void): void {
  const keys = group.command('keys').description('Say who can read the backups, and prove it.');
  addList(keys, cli);
  addAdd(keys, cli, exit);
  addRemove(keys, cli, exit);
  addProve(keys, cli, exit);
  addRevoke(keys, cli);
}

function addRevoke(keys: Command, cli: Cli): void {
  keys
    .command('revoke')
    .description('Let a host that follows the log write no more, one that was stolen for example. What it wrote stays; kubekeep apply gives it another key, where the cluster file still has it. Needs no host.')
    .argument('<host>', 'name of the host')
    .addOption(clusterFileOption())
    .action(async (host: string, { file }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const writers = await hostWriters(operation.state, await readIdentity(operation.state, operation.identityFile));
      if (!writers) throw new KubekeepError('repository-missing', `${operation.state.path} has no keys of a backup repository`, { hint: 'Only the computer that ran kubekeep backup init or restore state can revoke a writer.' });
      const revoked = await revokeHost(operation.state, storeOf(operation), writers, host);
      const text = revoked ? `what ${host} writes from now on does not count\nIts login for S3 you take away where you made it.` : `${host} is no writer of the repository`;
      cli.print({ kind: 'RevokedWriter', data: { host, revoked }, text });
    });
}

function addList(keys: Command, cli: Cli): void {
  keys
    .command('list')
    .description('List the recipients that backups are written for: of data, and of escrow, which is the keys of the cluster. Needs the identity, and no host.')
    .addOption(clusterFileOption())
    .action(async ({ file }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const { repository } = await openToRead(operation, storeOf(operation));
      const { generation, since, ...lists } = repository.recipients;
      const recipients = allOf(lists).map((recipient) => ({ recipient, data: lists.recipients.includes(recipient), escrow: lists.escrow.includes(recipient), since: since[recipient] || undefined }));
      const rows = recipients.map(({ recipient, data, escrow, since: time }) => [recipient, [...(data ? ['data'] : []), ...(escrow ? ['escrow'] : [])].join(', '), time === undefined ? '' : day(time)]);
      cli.print({ kind: 'BackupKeys', data: { generation, recipients }, text: textTable([['RECIPIENT', 'READS', 'SINCE (UTC)'], ...rows]) });
    });
}

function addAdd(keys: Command, cli: Cli, exit: (code: number) => void): void {
  keys
    .command('add')
    .description('Let more recipients read the backups, old ones included. Without a name: those that the cluster file has and the repository lacks. Run again after an interruption, it goes on.')
    .argument('[recipients...]', 'age recipients (age1…)', recipient)
    .addOption(clusterFileOption())
    .addOption(useOption('default: as the cluster file has them, else both'))
    .action(async (named: readonly string[], { file, for: use }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const { joining, wrapped, unopened, unremoved, recipients: { generation } } = await addKeys(operation, storeOf(operation), { named, use });
      const { recipients: inFile = [], escrow = [] } = operation.cluster.backup ?? {};
      const unnamed = joining.filter((one) => !inFile.includes(one) && !escrow.includes(one));
      const text = [
        joining.length === 0 ? 'nobody was added: the repository is written for all of them' : `added ${joining.join(', ')}`,
        ...wrappedText({ wrapped, unopened, unremoved }),
        ...unnamed.map((one) => `Write ${one} into spec.backup of the cluster file too.`),
      ];
      cli.print({ kind: 'ChangedBackupKeys', data: { added: joining, removed: [] as readonly string[], generation, wrapped, unopened, unremoved }, text: text.join('\n') });
      exit(unopened.length === 0 ? 0 : 5);
    });
}

function addRemove(keys: Command, cli: Cli, exit: (code: number) => void): void {
  keys
    .command('remove')
    .description('Write backups for some recipients no more, and take away the keys that are wrapped for them. Who could open a key before can have kept it: what was written until now stays readable to who did. Without a name: those that the cluster file does not have. Asks first.')
    .argument('[recipients...]', 'age recipients (age1…)', recipient)
    .addOption(clusterFileOption())
    .addOption(useOption('default: both'))
    .option('-y, --yes', 'do not ask; without a terminal it is needed')
    .action(async (named: readonly string[], { file, for: use, yes = false }: Flags) => {
      await using operation = await openBackupOperation(cli, { file });
      const confirm = async (leaving: readonly string[]) => yes || cli.confirm(`${leaving.join(', ')} will not be able to read what is written from now on. Go on?`);
      const { leaving, wrapped, unopened, unremoved, recipients: { generation } } = await removeKeys(operation, storeOf(operation), { named, use, confirm });
      const text = leaving.length === 0 ? ['nobody was removed: the repository is not written for them'] : [`removed ${leaving.join(', ')}`, 'What was written until now can still be read by who kept its keys: they were readable before. What is written from now on cannot.'];
      cli.print({ kind: 'ChangedBackupKeys', data: { added: [] as readonly string[], removed: leaving, generation, wrapped, unopened, unremoved }, text: [...text, ...wrappedText({ wrapped, unopened, unremoved })].join('\n') });
      exit(unopened.length + unremoved.length === 0 ? 0 : 5);
    });
}

function addProve(keys: Command, cli: Cli, exit: (code: number) => void): void {
  withPlaceOptions(keys.command('prove'))
    .description('Open the repository with one identity alone and say what it brings back: all keys, the newest point, the keys of the cluster, which are compared with the cluster where it answers. Exit code 5 when something is missing.')
    .addOption(clusterFileOption())
    .addOption(identityOption())
    .action(async ({ file, identity: option, ...flags }: Flags) => {
      const { identity } = await givenIdentity(cli, option);
      // Who has nothing else has no cluster file either.
      const there = flags.repository === undefined || (await stat(file).then(() => true, () => false));
      await using operation = there ? await openOperation(cli, { file, connectTimeout: 4 }) : undefined;
      const place = placeOf(flags);
      const store = place ? storeAt(place, cli) : storeOf(operation!);
      const proof = await proveKey(store, identity, operation);
      cli.print({ kind: 'KeyProof', data: { ...proof, place: store.place }, text: proofText(proof, store.place) });
      exit(proof.problems.length === 0 ? 0 : 5);
    });
}

function proofText({ recipient: own, opened, newest, bundle, compared, owner, problems }: KeyProof, place: string): string {
  const all = problems.length === 0;
  const compares = { api: (name: string) => `the API server of ${name} takes a certificate made with them`, host: (name: string) => `${name} says that it is that cluster; its API does not answer`, state: (name: string) => `those in ${name} are the same; no host answers` };
  return [
    `${own}: ${all ? 'this key alone brings back everything' : 'this key alone does not bring back everything'} in ${place}`,
    `opens ${opened.data.count} of ${opened.data.of} keys of data, ${opened.escrow.count} of ${opened.escrow.of} of what is sealed`,
    ...(newest ? [`data: up to revision ${newest.revision} of ${new Date(newest.time).toISOString()}`] : []),
    ...(bundle ? [`keys of cluster ${bundle.cluster} (id ${bundle.clusterId.slice(0, 12)})${bundle.clusterFile ? ', and its cluster file,' : ''} from base ${bundle.base} of ${new Date(bundle.time).toISOString()}: ${compared ? compares[compared.by](compared.name) : 'not compared, since nothing was there to compare them with'}`] : []),
    `owner ${owner}: compare it with what backup init printed`,
    ...problems.map((problem) => `- ${problem}`),
  ].join('\n');
}

function wrappedText({ wrapped, unopened, unremoved }: Pick<ChangedKeys, 'wrapped' | 'unopened' | 'unremoved'>): readonly string[] {
  const held = unremoved.length === 0 ? [] : [`${unremoved.length} old ${unremoved.length === 1 ? 'copy' : 'copies'} of keys cannot be removed now and can be read as before: ${unremoved[0]!.why}`];
  return [`${wrapped} ${wrapped === 1 ? 'key was' : 'keys were'} wrapped again`, ...unopened.map(({ why }) => `- ${why}`), ...held];
}

function useOption(text: string): Option {
  return new Option('--for <what>', `what they read: data; escrow, the keys of the cluster; or both (${text})`).choices(keyUses);
}

function recipient(word: string, before: readonly string[] = []): readonly string[] {
  if (/^age1[02-9ac-hj-np-z]{58}$/.test(word)) return [...before, word];
  // The parser would repeat the word.
  if (/^AGE-SECRET-KEY-/i.test(word)) throw new KubekeepError('usage', 'an identity was given in place of a recipient, and is now in the history of the shell', { hint: 'Make another one: its recipient starts with age1.' });
  throw new InvalidArgumentError('An age recipient starts with age1 and has 62 characters.');
}

function day(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}
