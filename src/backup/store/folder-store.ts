import { constants } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { diskHint } from '../../lib/disk-error.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { syncFolder } from '../_sync-folder.ts';
import type { Store } from './store.ts';

/** A folder of this computer, or one that is mounted here. Files are 0600, folders 0700. */
export function folderStore(folder: string): Store {
  const path = (name: string) => join(folder, name);
  const said = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: Error) => {
      throw new KubekeepError('store-failed', `${what} in ${folder}: ${error.message}`, { hint: diskHint(error), cause: error });
    });
  return {
    place: folder,
    create: (name, bytes) => said(`cannot write ${name}`, () => placed(path(name), bytes, link)),
    overwrite: (name, bytes) => said(`cannot write ${name}`, async () => void (await placed(path(name), bytes, rename))),
    read: (name) => said(`cannot read ${name}`, () => content(path(name))),
    list: (prefix, after = '') => said(`cannot list ${prefix}`, () => listed(folder, prefix, after)),
    remove: (name) => said(`cannot remove ${name}`, async () => {
      await rm(path(name), { force: true });
      await syncFolder(dirname(path(name))).catch(absent);
    }),
  };
}

/** Temporary files of writes that never ended start with this. */
const temporary = '.writing-';

/** Written beside the target and synced; a link fails where the name is taken, a rename does not. */
async function placed(target: string, bytes: Uint8Array, place: (from: string, to: string) => Promise<void>): Promise<'created' | 'exists'> {
  const folder = dirname(target);
  await madeFolder(folder);
  const written = join(folder, `${temporary}${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(written, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(written, target);
    await syncFolder(folder);
    return 'created';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && place === link) return 'exists';
    throw error;
  } finally {
    await unlink(written).catch(absent);
  }
}

/** Who can write the folder may have put a pipe there, which would never end, or a device. */
async function content(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(absent);
  try {
    if (file && !(await file.stat()).isFile()) throw new Error('it is no file');
    return await file?.readFile();
  } finally {
    await file?.close();
  }
}

/** A folder that is new stays only once the one that it is in was synced. */
async function madeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function listed(folder: string, prefix: string, after: string): Promise<readonly string[]> {
  const from = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const found = (await readdir(join(folder, from), { recursive: true, withFileTypes: true }).catch(absent)) ?? [];
  const names = found.filter((one) => one.isFile() && !one.name.startsWith(temporary)).map((one) => join(one.parentPath, one.name).slice(join(folder, '/').length));
  return names.filter((name) => name.startsWith(prefix) && name > after).sort();
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
