import { seededDraw } from '../../src/lib/seeded-draw.ts';
import type { LoneEtcd } from './lone-etcd.ts';

/** A backend file that etcd wrote: puts, deletions and compactions, values of more than a page, branches, pages that are free. */
export async function writtenFile(etcd: LoneEtcd, seed: number): Promise<Buffer> {
  const draw = seededDraw(seed);
  const below = (limit: number) => Math.floor(draw() * limit);
  for (let write = 0; write < 40; write++) {
    await etcd.client.commit([...new Set(Array.from({ length: 1 + below(12) }, () => `/registry/things/${below(60)}`))].map((key) => ({ key: Buffer.from(key), value: below(4) === 0 ? undefined : Buffer.alloc(below(write % 10 === 0 ? 9000 : 900), 'v'), lease: 0n })));
    if (write % 15 === 14) await etcd.compact((await etcd.client.status()).revision - below(8));
  }
  const file = await etcd.snapshotFile();
  return Buffer.from(file.read(0, file.size));
}
