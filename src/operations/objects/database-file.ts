import { constants, type Stats } from 'node:fs';
import { copyFile, open, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestMeta, pageSizeOf } from '../../bolt/bolt-file.ts';
import { readFrom } from '../../bolt/open-file.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { throwAwayFolder } from '../../programs/throw-away-folder.ts';
import { refuseWithoutRoom } from '../backup/refuse-without-room.ts';

/** A file of etcd that nobody writes to while it is read. */
export interface DatabaseFile extends AsyncDisposable {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** A copy is tried so often until etcd wrote nothing meanwhile. */
const attempts = 5;

const hint = 'Name a snapshot, or the data folder or the file member/snap/db of an etcd that is stopped.';

/**
 * The file that a path names: a snapshot, a database, or the one in the data folder of an etcd. Of an etcd that runs it is refused (`usage`), or copied, where that is asked for, into a folder that is gone afterwards. Throws
 * `file-missing`, and `data-damaged` where it does not begin as a database does.
 */
export async function databaseFile(path: string, { copy }: { readonly copy: boolean }): Promise<DatabaseFile> {
  const named = await found(path, path);
  const file = named.isDirectory() ? join(path, 'member/snap/db') : path;
  const { size, ino } = named.isDirectory() ? await found(file, path) : named;
  await transactionOf(file).catch((error: unknown) => {
    throw error instanceof KubekeepError ? new KubekeepError(error.code, `${file} cannot be read: ${error.message}`, { hint, cause: error }) : error;
  });
  if (!(await isHeld(ino))) return { path: file, size, [Symbol.asyncDispose]: async () => {} };
  if (!copy) throw new KubekeepError('usage', `${file} belongs to an etcd that runs, and changes while it is read`, { hint: 'Take a snapshot with etcdctl snapshot save, or add --copy to read a copy of it.' });
  const folder = await throwAwayFolder(join(tmpdir(), 'kubekeep-copy-'));
  try {
    await refuseWithoutRoom(folder.path, size, 'a copy');
    return { path: await copied(file, join(folder.path, 'db')), size, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

async function found(path: string, named: string): Promise<Stats> {
  return stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code !== 'ENOENT' ? cause.message : path === named ? 'it does not exist' : 'it is a folder, and none of an etcd';
    throw new KubekeepError('file-missing', `${named} cannot be read: ${why}`, { hint, cause });
  });
}

/** etcd locks its file as long as it runs. Another file of the same number on another disk counts too: then a copy is read. */
async function isHeld(inode: number): Promise<boolean> {
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  return locks.split('\n').some((line) => /\bFLOCK\b.*\bWRITE\b/.test(line) && line.includes(`:${inode} `));
}

/** While the number of the last transaction stays, no page that counts was written. */
async function copied(from: string, to: string): Promise<string> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const before = await transactionOf(from);
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    if ((await transactionOf(from)) === before) return to;
  }
  throw new KubekeepError('usage', `${from} was written to each time while it was copied`, { hint: 'Take a snapshot with etcdctl snapshot save.' });
}

async function transactionOf(path: string): Promise<bigint> {
  await using file = await open(path);
  const source = readFrom(file.fd, (await file.stat()).size);
  return newestMeta(source, pageSizeOf(source)).transaction;
}
