import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withFileLock } from './_file-lock.ts';
import { syncPath, writeSynced } from './_sync.ts';
import type { ReleasePins } from './release-files.ts';

/** Sums of files that a person chose to trust when they were first downloaded (`--trust-first`); later downloads must have them. */
export async function readTrustedSums(cacheFolder: string): Promise<ReleasePins> {
  try {
    return (JSON.parse(await readFile(fileIn(cacheFolder), 'utf8')) as { sha256: ReleasePins }).sha256;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

export async function rememberTrustedSum(cacheFolder: string, key: string, sha256: string): Promise<void> {
  const path = fileIn(cacheFolder);
  await withFileLock(`${path}.lock`, async () => {
    const sums = { ...(await readTrustedSums(cacheFolder)), [key]: sha256 };
    const temporary = `${path}.${randomBytes(4).toString('hex')}`;
    await mkdir(dirname(path), { recursive: true });
    await writeSynced(temporary, `${JSON.stringify({ sha256: sums }, null, 2)}\n`);
    await rename(temporary, path);
    await syncPath(dirname(path));
  });
}

function fileIn(cacheFolder: string): string {
  return join(cacheFolder, 'trusted-sums.json');
}
