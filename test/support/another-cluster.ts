import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import type { KeptCluster } from './kept-cluster.ts';

/** Gives the namespace kube-system another uid behind the API server's back: to whoever compares it is another cluster then. */
export async function becomeAnotherCluster({ api, etcd }: KeptCluster): Promise<void> {
  const path = '/api/v1/namespaces/kube-system';
  const namespace = async () => api.get<{ readonly metadata: { readonly uid: string } }>(path);
  const { metadata, ...rest } = await namespace();
  const uid = randomUUID();
  const value = Buffer.from(JSON.stringify({ ...rest, metadata: { ...metadata, uid, resourceVersion: undefined } }));
  await etcd.commit([{ key: Buffer.from('/registry/namespaces/kube-system'), value, lease: 0n }]);
  while ((await namespace()).metadata.uid !== uid) await systemClock.sleep(50);
}
