import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Base } from '../../src/backup/points.ts';
import { logEnd } from '../../src/backup/change-log/coverage.ts';
import type { Repository } from '../../src/backup/repository.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import type { Store } from '../../src/backup/store/store.ts';
import { connectEtcd, type EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { connectApi, type ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import type { Secret } from '../../src/lib/secret.ts';
import type { BackupOperation } from '../../src/operations/backup/backup-operation.ts';
import { builtEtcd } from '../../src/operations/backup/built-etcd.ts';
import type { EtcdMembers } from '../../src/operations/backup/etcd-members.ts';
import { initBackup } from '../../src/operations/backup/init-backup.ts';
import { LogCapturer } from '../../src/operations/backup/log-capturer.ts';
import { openToWrite } from '../../src/operations/backup/open-backup.ts';
import { takeOne } from '../../src/operations/backup/run-backup.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { saveSecrets, stateFolder } from '../../src/operations/state.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { adminLeaf, etcdOperatorLeaf } from '../../src/pki/leaves.ts';
import { createIdentity, seal } from '../../src/pki/seal.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { kubeconfig } from '../../src/render/kubeconfig.ts';
import type { ProgramName } from '../../src/programs/program.ts';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';
import { aHost, cluster } from './example-cluster.ts';
import { freePorts } from './free-ports.ts';
import { etcdctlAccess, writeOperator } from './real-etcd.ts';
import { startApiWithEtcd, waitUntilReady } from './real-api-server.ts';
import { forwardPort } from './unix-forward.ts';

/** A real etcd with a real API server, without machines, and a repository of it in a folder. */
export interface KeptCluster extends AsyncDisposable {
  readonly folder: string;
  readonly operation: Operation & BackupOperation;
  readonly store: Store;
  readonly api: ApiClient;
  /** Path of a kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly etcd: EtcdClient;
  /** Arguments with which etcdctl reaches it. */
  readonly etcdctl: readonly string[];
  takeBase(): Promise<Base>;
  /** Appends to the log until it has a revision, through whatever `altered` makes of the repository and of the member. */
  follow(until: () => number, altered?: { readonly repository?: (same: Repository) => Repository; readonly client?: (same: EtcdClient) => EtcdClient }): Promise<void>;
}

/** `encryption` makes the API server's EncryptionConfiguration of the cluster's key. */
export async function keptCluster({ encryption }: { readonly encryption?: (key: Secret) => string } = {}): Promise<KeptCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'kubekeep-kept-'));
  const now = Date.now();
  const secrets = await createSecrets('prod', now);
  const [clientPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const processes: ChildProcess[] = [];
  await startApiWithEtcd({ folder, ports: { client: clientPort, peer: peerPort, api: apiPort }, secrets, now, processes, encryption: encryption?.(secrets.encryptionKey) });
  const forwards = [await forwardPort(apiPort, join(folder, 'api.sock')), await forwardPort(clientPort, join(folder, 'etcd.sock'))] as const;
  const [admin, operator] = await Promise.all([issueLeaf(adminLeaf('ann', 'system:masters'), secrets.authorities.kubernetes, { now }), issueLeaf(etcdOperatorLeaf(), secrets.authorities.etcd, { now })]);
  const api = connectApi({ connect: { socketPath: forwards[0].socketPath }, serverName: 'kubernetes', ca: secrets.authorities.kubernetes.certificate, certificate: admin.certificate, key: admin.privateKey });
  const etcd = connectEtcd({ socketPath: forwards[1].socketPath, serverName: 'm1', tls: { ca: secrets.authorities.etcd.certificate, certificate: operator.certificate, key: operator.privateKey } });
  await waitUntilReady(api);
  writeOperator(folder, operator);
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, kubeconfig({ cluster: 'prod', server: `https://127.0.0.1:${apiPort}`, tlsServerName: 'kubernetes', authority: { pem: secrets.authorities.kubernetes.certificate }, user: 'ann', credentials: { certificate: admin.certificate, key: admin.privateKey.reveal() } }), { mode: 0o600 });
  const state = stateFolder(folder, 'prod');
  const { identity, recipient } = await createIdentity();
  await saveSecrets(state, { secrets, identity, sealed: new TextDecoder().decode(await seal(secrets, [recipient])), from: 'new' });
  const made = operationOn(state);
  const operation = { ...made, source: builtEtcd(made) };
  const store = folderStore(join(folder, 'repository'));
  await initBackup(operation, store);
  const ask = async (client = etcd): Promise<EtcdMembers> => {
    const only = { spec: aHost({ name: 'm1', roles: ['etcd'] }), client, reads: true, stored: true, diverged: false, status: await etcd.status() };
    return { chosen: only, nearest: only, names: ['m1'], clients: new Map([['m1', etcd]]), [Symbol.dispose]: () => {} };
  };
  const takeBase = async () => takeOne(operation, await openToWrite(operation, store), await ask());
  return {
    folder, operation, store, api, etcd, takeBase, kubeconfig: kubeconfigPath,
    etcdctl: etcdctlAccess({ name: 'm1', folder: join(folder, 'etcd'), clientPort, peerPort }, folder),
    async follow(until, { repository: altered = (same: Repository) => same, client = (same: EtcdClient) => same } = {}) {
      const { repository, keys } = await openToWrite(operation, store);
      const end = new AbortController();
      const capturer = new LogCapturer({ repository: altered(repository), writer: keys.writer, ask: () => ask(client(etcd)), takeBase, remember: async () => {}, clock: systemClock, signal: end.signal, progress: silent });
      const running = capturer.capture().catch(() => {});
      while ((logEnd(repository.chain.entries, `${(await etcd.status()).clusterId}:0`) ?? 0) < until()) await systemClock.sleep(50);
      end.abort();
      await running;
    },
    async [Symbol.asyncDispose]() {
      api.close();
      etcd.close();
      for (const forward of forwards) await forward.close();
      await Promise.all(processes.map(endProcess));
      await rm(folder, { recursive: true });
    },
  };
}

function operationOn(state: Operation['state']): Operation {
  const programs = (wanted: readonly { readonly name: ProgramName; readonly version: string; readonly platform: 'linux-amd64' | 'linux-arm64' }[]) => wanted.map((program) => ({ ...program, path: cachedProgram(program.name, program.version), sha256: '', size: 0 }));
  return {
    cluster: { ...cluster, hosts: [aHost({ name: 'm1', roles: ['etcd'] })] },
    hosts: new Map(), state, identityFile: undefined, user: 'test', clock: systemClock, signal: new AbortController().signal, progress: silent,
    fetchPrograms: async (wanted) => programs(wanted),
  };
}
