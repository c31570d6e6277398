import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Base } from '../../backup/points.ts';
import { loopbackPort } from '../../hosts/loopback-port.ts';
import { Secret } from '../../lib/secret.ts';
import { kubeconfig } from '../../render/kubeconfig.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { scratchApi } from '../backup/scratch-api.ts';
import { etcdOfSnapshot } from '../backup/scratch-replay.ts';

/** A moment of the past, served by a real API server to programs of this computer that have its kubeconfig. Nothing in it can be changed. */
export interface PastApi extends AsyncDisposable {
  /** Such as https://127.0.0.1:41234. */
  readonly server: string;
  /** For a reader: it opens all that there is, Secrets too, until the end. */
  readonly kubeconfig: Secret;
  /** Where that lies, for this user alone. */
  readonly path: string;
  /** Rejects where one of its programs ends by itself. */
  readonly ended: Promise<never>;
}

export interface PastOptions {
  readonly snapshot: string;
  /** That it was made from. */
  readonly base: Base;
  /** Is made, for clear text: with room for as much as the snapshot. Whoever made the folder around it removes it. */
  readonly folder: string;
  /** An EncryptionConfiguration; without one, what is encrypted cannot be read. */
  readonly encryption: Secret | undefined;
  /** Of cluster, user and context in the kubeconfig. */
  readonly name: string;
}

/** Resolves when it answers. Throws `data-damaged`, `etcd-failed`, `api-failed`. */
export async function pastApi(operation: ReadOperation, { snapshot, base, folder, encryption, name }: PastOptions): Promise<PastApi> {
  await using opened = new AsyncDisposableStack();
  await mkdir(folder, { mode: 0o700 });
  const etcd = opened.use(await etcdOfSnapshot(operation, { snapshot, base, folder }));
  const api = opened.use(await scratchApi(operation, { etcd, folder: join(folder, 'api'), encryption, forReaders: true }));
  const { port } = opened.use(await loopbackPort(api.socketPath));
  const server = `https://127.0.0.1:${port}`;
  const content = kubeconfig({ cluster: name, server, authority: { pem: api.authority.certificate }, user: name, context: name, credentials: { certificate: api.reader.certificate, key: api.reader.privateKey.reveal() } });
  const path = join(folder, 'kubeconfig');
  await writeFile(path, content, { mode: 0o600 });
  const ended = Promise.race([etcd.ended, api.ended]);
  ended.catch(() => {});
  const all = opened.move();
  return { server, kubeconfig: new Secret(content), path, ended, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
