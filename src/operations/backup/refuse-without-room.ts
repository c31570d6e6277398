import { statfs } from 'node:fs/promises';
import { KubekeepError, type ErrorCode } from '../../lib/errors.ts';

/** Bytes that etcd's own log takes from a disk at once. */
export const etcdLog = 130_000_000;

/** Refuses before anything is written where a folder's disk has fewer bytes free than are needed; `what` says for what. */
export async function refuseWithoutRoom(folder: string, bytes: number, what: string, code: ErrorCode = 'file-missing'): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new KubekeepError(code, `${folder} has ${megabytes(bavail * bsize)} MB free, and ${what} takes ${megabytes(bytes)} MB or more`, { hint: 'Make room there. Nothing was written.' });
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}
