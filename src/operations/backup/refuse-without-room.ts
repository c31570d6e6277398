import { statfs } from 'node:fs/promises';
import { KubekeepError } from '../../lib/errors.ts';

/** Refuses before anything is written where a folder's disk has fewer bytes free than are needed; `what` says for what. */
export async function refuseWithoutRoom(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new KubekeepError('file-missing', `${folder} has ${megabytes(bavail * bsize)} MB free, and ${what} takes ${megabytes(bytes)} MB and what the log adds`, { hint: 'Make room there. Nothing was written.' });
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}
