import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { collectYoung } from '../lib/collect-young.ts';
import { diskHint, unwritten } from '../lib/disk-error.ts';
import { KubekeepError } from '../lib/errors.ts';
import { syncFolder } from './_sync-folder.ts';
import type { CaptureKeys } from './captures.ts';
import { damaged } from './format/encrypted-object.ts';
import { pagesOf, type PageTable } from './format/page-table.ts';
import { hashFile } from './hash-file.ts';
import { readTableOf } from './page-tables.ts';
import type { Base } from './points.ts';
import type { Repository } from './repository.ts';

/**
 * Writes a base as `etcdctl snapshot save` does: the file, and its SHA-256 behind it. Nothing stands at `path` until all of it is there and has the hash that
 * etcd gave; what stood there stays otherwise. Each pack is read once, so memory is that of one.
 */
export async function writeSnapshot(repository: Repository, base: Base, path: string, keys: CaptureKeys, signal?: AbortSignal): Promise<void> {
  const table = await readTableOf(repository, base);
  const unfinished = `${path}.part`;
  const file = await open(unfinished, 'wx+', 0o600).catch((error: NodeJS.ErrnoException) => {
    const hint = error.code === 'EEXIST' ? 'Another restore is writing it, or one was killed: then remove it.' : diskHint(error);
    throw new KubekeepError('file-missing', `${unfinished} cannot be written: ${error.message}`, { hint, cause: error });
  });
  try {
    for (const [pack, pages] of pagesByPack(table)) {
      signal?.throwIfAborted();
      await placePages(file, await repository.get('pack', pack, keys), { pack, pages, table });
      // Three buffers of each pack are garbage by now.
      collectYoung();
    }
    const sha256 = await hashFile(file, base.length, signal);
    if (sha256.toString('hex') !== base.sha256) throw damaged(`base ${base.number}`, 'put together from its pages it is not the file that etcd sent');
    await writeAll(file, sha256, base.length);
    await file.sync();
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw unwritten(unfinished, error);
  } finally {
    await file.close();
    await rm(unfinished, { force: true });
  }
}

function pagesByPack(table: PageTable): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (let page = 0; page < pagesOf(table); page++) {
    const pack = table.packs[table.pack[page]!]!;
    const pages = found.get(pack);
    if (pages) pages.push(page);
    else found.set(pack, [page]);
  }
  return found;
}

/** Pages that lie beside each other in the pack and in the file are written at once. */
async function placePages(file: FileHandle, content: Buffer, { pack, pages, table: { slot, pageSize } }: { readonly pack: string; readonly pages: readonly number[]; readonly table: PageTable }): Promise<void> {
  for (let first = 0, next = 1; first < pages.length; first = next++) {
    while (next < pages.length && pages[next] === pages[next - 1]! + 1 && slot[pages[next]!] === slot[pages[next - 1]!]! + 1) next++;
    const from = slot[pages[first]!]! * pageSize;
    const length = (next - first) * pageSize;
    if (from + length > content.length) throw damaged(`pack ${pack}`, `it has no page ${slot[pages[next - 1]!]}`);
    await writeAll(file, content.subarray(from, from + length), pages[first]! * pageSize);
  }
}

/** The kernel may take a part, as it does before a disk is full. */
async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}
