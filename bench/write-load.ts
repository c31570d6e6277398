import { systemClock } from '../src/lib/clock.ts';
import { seededDraw } from '../src/lib/seeded-draw.ts';
import type { EtcdClient } from '../src/clients/etcd/connect-etcd.ts';
import { value } from './bench-etcd.ts';

export interface Acknowledged {
  readonly revision: number;
  /** ms since the epoch. */
  readonly at: number;
}

/** Writes at a rate, each time when it is due and not when the one before was answered. Resolves to when which revision was acknowledged, in their order. */
export async function write(client: EtcdClient, { rate: perSecond, seconds: long }: { readonly rate: number; readonly seconds: number }): Promise<readonly Acknowledged[]> {
  const draw = seededDraw(2);
  const acknowledged: Acknowledged[] = [];
  const begin = performance.now();
  const open = new Set<Promise<void>>();
  for (let sent = 0; sent < perSecond * long; ) {
    const due = Math.min(perSecond * long, Math.floor(((performance.now() - begin) / 1000) * perSecond));
    for (; sent < due && open.size < 500; sent++) {
      const one: Promise<void> = client.commit([{ key: Buffer.from(`/registry/pods/${Math.floor(draw() * 5000)}`), value: value(draw).subarray(0, 1000), lease: 0n }]).then((revision) => {
        acknowledged.push({ revision, at: Date.now() });
        open.delete(one);
      });
      open.add(one);
    }
    await systemClock.sleep(2);
  }
  await Promise.all(open);
  return acknowledged.sort((one, other) => one.revision - other.revision);
}
