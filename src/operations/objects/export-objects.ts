import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unwritten } from '../../lib/disk-error.ts';
import { KubekeepError } from '../../lib/errors.ts';

/** Of a folder that an export wrote: its files, one a line. */
const listFile = '.kubekeep-export';

export interface ExportedFile {
  /** Below the folder. */
  readonly path: string;
  readonly text: string;
  /** For the owner's eyes. */
  readonly secret: boolean;
}

/** Throws `usage` where a folder has something in it that no export wrote, and `file-missing` where it cannot be read. Looks alone. */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new KubekeepError('file-missing', `${folder} cannot be read: ${error.code === 'ENOTDIR' ? 'it is no folder' : error.message}`, { cause: error });
  });
  if (there.includes(listFile) || there.every((name) => name === '.git')) return;
  throw new KubekeepError('usage', `${folder} has files in it that no export wrote, such as ${there.find((name) => name !== '.git')!}`, { hint: 'Name a folder that is empty or does not exist: an export removes what it wrote before and is gone now, and nothing else.' });
}

/** Writes the files, and removes those of an earlier export that are none of them. Throws `file-missing`. */
export async function writeExport(folder: string, files: readonly ExportedFile[]): Promise<void> {
  try {
    const before = (await readFile(join(folder, listFile), 'utf8').catch(() => '')).split('\n').filter((path) => path !== '' && !path.split('/').includes('..'));
    const now = new Set(files.map(({ path }) => path));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, listFile), [...new Set([...before, ...now])].map((path) => `${path}\n`).join(''));
    for (const { path, text, secret } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { mode: secret ? 0o600 : 0o644 });
    }
    for (const path of before) if (!now.has(path)) await rm(join(folder, path), { force: true });
    await writeFile(join(folder, listFile), [...now].map((path) => `${path}\n`).join(''));
  } catch (error) {
    throw unwritten(folder, error);
  }
}
