import { basesOf, type Base } from '../../backup/points.ts';
import type { Store } from '../../backup/store/store.ts';
import { takeBase } from '../../backup/take-base.ts';
import type { BackupOperation } from './backup-operation.ts';
import { askMembers, baseSource, type EtcdMembers } from './etcd-members.ts';
import { openToWrite, remember, type OpenAsWriter, type OpenToWrite } from './open-backup.ts';
import { differenceOf, recipientsFor } from './recipients.ts';
import { etcdLog, refuseWithoutRoom } from './refuse-without-room.ts';

/** Entries since the newest catalog. Where the log is written its capturer sees to it. */
const mostWalked = 1000;

/** Takes a base from the member that knows best and has least to do. Throws `etcd-failed` where no member answers. */
export async function runBackup(operation: BackupOperation, store: Store): Promise<Base> {
  const open = await openToWrite(operation, store);
  await noteRecipients(operation, open);
  using members = await askMembers(operation, basesOf(open.repository.chain));
  return await takeOne(operation, open, members);
}

/** Takes a base from members that were asked, and seals beside it what the cluster needs besides its data, where kubekeep has that. */
export async function takeOne(operation: BackupOperation, { repository, keys }: OpenToWrite | OpenAsWriter, members: EtcdMembers): Promise<Base> {
  const { state, source, clock, progress, signal } = operation;
  const { spec: { name }, reads } = members.chosen;
  // Of a follower it is the disk of etcd, which must not fill it: that waits until there is room.
  await refuseWithoutRoom(state.path, members.chosen.status.dbSize + etcdLog, `a base of etcd on ${name}`, 'store-failed');
  if (!reads) progress({ type: 'note', title: 'etcd has no quorum: the base is what one member has, and perhaps not all that was acknowledged', host: name });
  progress({ type: 'started', title: `base: snapshot of etcd on ${name}`, host: name, step: 'backup/base' });
  const bundle = 'owner' in keys ? await source.bundle(keys) : undefined;
  const onTaken = ({ number, revision }: Base) => progress({ type: 'note', title: `base ${number} is taken: revision ${revision}; comparing it with every member`, step: 'backup/base' });
  const base = await takeBase(repository, baseSource(members, operation), { writer: keys.writer, spoolFolder: state.path, now: () => clock.now(), bundle, signal, onTaken });
  progress({ type: 'done', title: `base ${base.number}: revision ${base.revision}`, step: 'backup/base' });
  const { chain } = repository;
  if (base.number - chain.catalogued > mostWalked) await chain.catalog(keys.writer, []);
  await remember(state, repository);
  return base;
}

/** Who edits the recipients in the cluster file must not believe that it has changed anything. */
export async function noteRecipients({ cluster, progress }: BackupOperation, { repository, identity }: OpenToWrite): Promise<void> {
  const { more, fewer } = differenceOf(await recipientsFor(cluster, identity), repository.recipients);
  if (more.length > 0) progress({ type: 'note', title: `the cluster file names recipients that backups are not written for: ${more.join(', ')}`, detail: 'kubekeep backup keys add' });
  if (fewer.length > 0) progress({ type: 'note', title: `backups are written for recipients that the cluster file does not name: ${fewer.join(', ')}`, detail: `kubekeep backup keys remove ${fewer.join(' ')}` });
}
