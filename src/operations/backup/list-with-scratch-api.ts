import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectApi, type ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { createAuthority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import { createServiceAccountKey, type ClusterSecrets } from '../../pki/secrets.ts';
import { platformOf, type Platform } from '../../programs/program.ts';
import { startScratchApiServer, type ScratchApiServer } from '../../programs/scratch-api-server.ts';
import { renderScratchApiServer, scratchServingLeaf } from '../../render/scratch-api-server.ts';
import type { ReadOperation } from './backup-operation.ts';
import { openKeptSecrets } from '../state.ts';
import { listObjects, type Listing } from './list-objects.ts';
import type { ReplayedEtcd } from './scratch-replay.ts';

export interface ListInput {
  readonly etcd: ReplayedEtcd;
  /** Where its files may lie for a while: keys are among them. */
  readonly folder: string;
  readonly revision: number;
  /** All keys at that revision. */
  readonly keys: ReadonlySet<string>;
  /** The keys of the cluster as they lie beside the point: for a computer that has none. Undefined where they cannot be read. */
  readonly sealed: () => Promise<ClusterSecrets | undefined>;
}

/** ms for the API server to become ready. */
const startLimit = 180_000;
/** Checks that an administrator's lists need not wait for: what the server writes at its start, and its own informers, which are never in step where Secrets cannot be decrypted. */
const notNeeded: ReadonlySet<string> = new Set(['informer-sync', 'poststarthook/rbac/bootstrap-roles', 'poststarthook/scheduling/bootstrap-system-priority-classes']);
/** Days of life of a certificate that is used for minutes. */
const days = 1;

/** Starts a real kube-apiserver on an etcd and lists all that it can read of it at a revision. Throws `api-failed` where it does not start. */
export async function listWithScratchApi(operation: ReadOperation, { etcd, folder, revision, keys, sealed }: ListInput): Promise<Listing> {
  const { cluster, clock, signal, progress } = operation;
  const secrets = (await clusterSecrets(operation)) ?? (await sealed());
  const api = await startedApi(operation, { etcd, folder: join(folder, 'api'), secrets });
  await using _ = api.server;
  try {
    await untilReady(api, operation);
    progress({ type: 'started', title: `listing all objects with kube-apiserver ${cluster.kubernetes.version}`, step: 'restore/list' });
    const listing = await Promise.race([listObjects(api.client, { revision, keys, secretsSealed: secrets === undefined, clock, signal }), api.server.ended]);
    progress({ type: 'done', title: `listed ${listing.objects} objects of ${listing.resources} resources`, step: 'restore/list' });
    return listing;
  } finally {
    api.client.close();
  }
}

/** Undefined where this computer has none, or none that its identity opens. */
async function clusterSecrets({ state, cluster, identityFile }: ReadOperation): Promise<ClusterSecrets | undefined> {
  try {
    return (await openKeptSecrets(state, { cluster: cluster.name, identityFile }))?.secrets;
  } catch (error) {
    if (error instanceof KubekeepError && error.code === 'identity-missing') return undefined;
    throw error;
  }
}

interface StartedApi {
  readonly server: ScratchApiServer;
  readonly client: ApiClient;
}

async function startedApi({ cluster, clock, fetchPrograms }: ReadOperation, { etcd, folder, secrets }: { readonly etcd: ReplayedEtcd; readonly folder: string; readonly secrets: ClusterSecrets | undefined }): Promise<StartedApi> {
  const [program] = await fetchPrograms([{ name: 'kube-apiserver', version: cluster.kubernetes.version, platform: platformOf(process.arch) as Platform }]);
  const now = clock.now();
  // A CA for this one server: nothing that the cluster trusts is needed, or made.
  const authority = await createAuthority('kubernetes', cluster.name, now);
  const [serving, admin] = await Promise.all([scratchServingLeaf, adminLeaf('kubekeep', 'system:masters')].map((leaf) => issueLeaf(leaf, authority, { now, days })));
  const { flags, files, port } = renderScratchApiServer({
    cluster, folder, etcdSocket: etcd.socketPath, authority, serving: serving!,
    serviceAccountKey: secrets?.serviceAccountKey ?? (await createServiceAccountKey()),
    encryptionKey: secrets?.encryptionKey,
  });
  await mkdir(folder, { mode: 0o700 });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content instanceof Secret ? content.reveal() : content, { mode: 0o600 });
  const server = await startScratchApiServer({ program: program!, flags, port });
  const client = connectApi({ connect: { socketPath: server.socketPath }, serverName: 'kubernetes', ca: authority.certificate, certificate: admin!.certificate, key: admin!.privateKey });
  return { server, client };
}

async function untilReady({ client, server }: StartedApi, { clock, signal }: ReadOperation): Promise<void> {
  const until = clock.monotonic() + startLimit;
  for (let failed: readonly string[] = []; ; ) {
    const health = await Promise.race([client.readyz({ signal }).catch(() => undefined), server.ended]);
    if (health?.ready || (health && health.failed.length > 0 && health.failed.every((name) => notNeeded.has(name)))) return;
    signal.throwIfAborted();
    failed = health?.failed ?? failed;
    if (clock.monotonic() > until) throw new KubekeepError('api-failed', `the API server that reads what was restored is not ready after ${startLimit / 1000} s${failed.length > 0 ? `: ${failed.join(', ')}` : ''}`);
    await clock.sleep(200, signal);
  }
}
