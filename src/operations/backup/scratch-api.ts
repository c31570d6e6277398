import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectApi, type ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { createAuthority, type Authority } from '../../pki/authorities.ts';
import { issueLeaf, type IssuedLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import { createServiceAccountKey } from '../../pki/secrets.ts';
import { platformOf, type Platform } from '../../programs/program.ts';
import { startScratchApiServer, type ScratchApiServer } from '../../programs/scratch-api-server.ts';
import { readerLeaf, renderScratchApiServer, scratchServingLeaf } from '../../render/scratch-api-server.ts';
import type { ReadOperation } from './backup-operation.ts';
import type { ReplayedEtcd } from './scratch-replay.ts';

/** A real kube-apiserver on an etcd that is thrown away, ready to be asked. */
export interface ScratchApi extends ScratchApiServer {
  /** As an administrator: kubekeep itself. */
  readonly client: ApiClient;
  /** Made for it, as all of its certificates. */
  readonly authority: Authority;
  /** Of a reader, where it is for readers. */
  readonly reader: IssuedLeaf;
}

export interface ScratchApiOptions {
  readonly etcd: Pick<ReplayedEtcd, 'socketPath'>;
  /** Made for its files: keys are among them. */
  readonly folder: string;
  /** An EncryptionConfiguration. Without, no value that is encrypted can be read. */
  readonly encryption: Secret | undefined;
  readonly forReaders: boolean;
}

/** ms for the API server to become ready. */
const startLimit = 180_000;
/** Checks that an administrator's lists need not wait for: what the server writes at its start, and its own informers, which are never in step where Secrets cannot be decrypted. */
const notNeeded: ReadonlySet<string> = new Set(['informer-sync', 'poststarthook/rbac/bootstrap-roles', 'poststarthook/scheduling/bootstrap-system-priority-classes']);
/** Days of life of a certificate that is used for minutes. */
const days = 1;

/** Resolves when it is ready. Throws `api-failed` where it does not become so. */
export async function scratchApi(operation: ReadOperation, options: ScratchApiOptions): Promise<ScratchApi> {
  const api = await started(operation, options);
  try {
    await untilReady(api, operation);
    return api;
  } catch (error) {
    await api[Symbol.asyncDispose]();
    throw error;
  }
}

async function started({ cluster, clock, fetchPrograms }: ReadOperation, { etcd, folder, encryption, forReaders }: ScratchApiOptions): Promise<ScratchApi> {
  const [program] = await fetchPrograms([{ name: 'kube-apiserver', version: cluster.kubernetes.version, platform: platformOf(process.arch) as Platform }]);
  const now = clock.now();
  // A CA for this one server: nothing that the cluster trusts is needed, or made.
  const authority = await createAuthority('kubernetes', cluster.name, now);
  const [serving, admin, reader] = await Promise.all([scratchServingLeaf, adminLeaf('kubekeep', 'system:masters'), readerLeaf].map((leaf) => issueLeaf(leaf, authority, { now, days })));
  const { flags, files, port } = renderScratchApiServer({ cluster, folder, etcdSocket: etcd.socketPath, authority, serving: serving!, serviceAccountKey: await createServiceAccountKey(), encryption, forReaders });
  await mkdir(folder, { mode: 0o700 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content instanceof Secret ? content.reveal() : content, { mode: 0o600 });
  const server = await startScratchApiServer({ program: program!, flags, port });
  const client = connectApi({ connect: { socketPath: server.socketPath }, serverName: 'kubernetes', ca: authority.certificate, certificate: admin!.certificate, key: admin!.privateKey });
  return {
    ...server, client, authority, reader: reader!,
    async [Symbol.asyncDispose]() {
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function untilReady({ client, ended }: ScratchApi, { clock, signal }: ReadOperation): Promise<void> {
  const until = clock.monotonic() + startLimit;
  for (let failed: readonly string[] = []; ; ) {
    const health = await Promise.race([client.readyz({ signal }).catch(() => undefined), ended]);
    if (health?.ready || (health && health.failed.length > 0 && health.failed.every((name) => notNeeded.has(name)))) return;
    signal.throwIfAborted();
    failed = health?.failed ?? failed;
    if (clock.monotonic() > until) throw new KubekeepError('api-failed', `the API server that reads what was restored is not ready after ${startLimit / 1000} s${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`);
    await clock.sleep(200, signal);
  }
}
