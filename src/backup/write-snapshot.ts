import { createHash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { dirname } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import type { Secret } from '../lib/secret.ts';
import { syncFolder } from './_sync-folder.ts';
import { damaged, type ObjectKey } from './format/encrypted-object.ts';
import { pagesOf, type PageTable } from './format/page-table.ts';
import { readPageTable } from './page-tables.ts';
import type { Base } from './points.ts';
import { unwrapKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** A way to the data keys: only recipients have it. */
export function captureKeys(repository: Repository, identity: Secret): (capture: string) => Promise<ObjectKey> {
  const known = new Map<string, Promise<ObjectKey>>();
  const unwrap = async (capture: string): Promise<ObjectKey> => {
    const name = `captures/${capture}.${repository.recipients.generation}.age`;
    const wrapped = await repository.store.read(name);
    if (!wrapped) throw damaged(name, `it is missing in ${repository.store.place}, and without it what was stored with it cannot be read`);
    return { scope: 'data', capture: Buffer.from(capture, 'hex'), key: await unwrapKey(wrapped, identity, name) };
  };
  return (capture) => {
    const key = known.get(capture) ?? unwrap(capture);
    known.set(capture, key);
    return key;
  };
}

/**
 * Writes a base as `etcdctl snapshot save` does: the file, and its SHA-256 behind it. Nothing stands at `path` until all of it is there and has the hash that
 * etcd gave; what stood there stays otherwise. Each pack is read once, so memory is that of one.
 */
export async function writeSnapshot(repository: Repository, base: Base, path: string, keys: (capture: string) => Promise<ObjectKey>): Promise<void> {
  const table = await readPageTable(repository, base.table);
  if (pagesOf(table) * table.pageSize !== base.length) throw damaged(`table ${base.table}`, `it has ${pagesOf(table)} pages and its base ${base.length} bytes`);
  const unfinished = `${path}.${process.pid}.part`;
  const file = await open(unfinished, 'wx', 0o600).catch((error: Error) => {
    throw new KubekeepError('file-missing', `${unfinished} cannot be written: ${error.message}`, { cause: error });
  });
  try {
    for (const [pack, pages] of pagesByPack(table)) await placePages(file, await repository.get('pack', pack, keys), { pack, pages, table });
    const sha256 = await hashOfFile(unfinished);
    if (sha256 !== base.sha256) throw damaged(`base ${base.number}`, 'put together from its pages it is not the file that etcd sent');
    await file.write(Buffer.from(sha256, 'hex'), 0, 32, base.length);
    await file.sync();
    await rename(unfinished, path);
    await syncFolder(dirname(path));
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

async function placePages(file: FileHandle, content: Buffer, { pack, pages, table: { slot, pageSize } }: { readonly pack: string; readonly pages: readonly number[]; readonly table: PageTable }): Promise<void> {
  for (const page of pages) {
    const from = slot[page]! * pageSize;
    if (from + pageSize > content.length) throw damaged(`pack ${pack}`, `it has no page ${slot[page]}`);
    await file.write(content, from, pageSize, page * pageSize);
  }
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
