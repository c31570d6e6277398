import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connectApi, type ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { adminLeaf, leavesFor } from '../../src/pki/leaves.ts';
import { createSecrets, servicePublicKey } from '../../src/pki/secrets.ts';
import type { ClusterSecrets } from '../../src/pki/secrets.ts';
import { encryptionConfig } from '../../src/render/kube-apiserver.ts';
import { cachedProgram } from './cached-program.ts';
import { endProcess } from './end-process.ts';
import { aHost, cluster } from './example-cluster.ts';
import { freePorts } from './free-ports.ts';
import { startEtcd, writeCertificates } from './real-etcd.ts';
import { forwardPort } from './unix-forward.ts';

interface RealApi {
  readonly folder: string;
  readonly ports: { readonly client: number; readonly peer: number; readonly api: number };
  readonly secrets: ClusterSecrets;
  readonly now: number;
  /** Gets each process as soon as it runs, for whoever ends them. */
  readonly processes: ChildProcess[];
  /** Of its EncryptionConfiguration; default: that of a cluster. */
  readonly encryption?: string | undefined;
}

/** Starts a real etcd and a real kube-apiserver on it. */
export async function startApiWithEtcd({ folder, ports, secrets, now, processes, encryption }: RealApi): Promise<void> {
  const place = { name: 'm1', folder: join(folder, 'etcd'), clientPort: ports.client, peerPort: ports.peer };
  mkdirSync(place.folder);
  await writeCertificates(place, { etcd: secrets.authorities.etcd, peer: secrets.authorities['etcd-peer'] }, now);
  processes.push(startEtcd(place, { m1: `https://127.0.0.1:${ports.peer}` }, 'new'));
  processes.push(await startApiServer(join(folder, 'api'), { api: ports.api, etcd: ports.client }, { secrets, now, encryption }));
}

/** What somebody who only wants an API server needs of one. */
export interface OwnApi extends AsyncDisposable {
  /** As an administrator. */
  readonly api: ApiClient;
}

/** Starts both in a folder that is there, and waits until they serve. */
export async function startOwnApi(folder: string): Promise<OwnApi> {
  const now = Date.now();
  const secrets = await createSecrets('prod', now);
  const admin = await issueLeaf(adminLeaf('ann', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 });
  const [client, peer, port] = (await freePorts(3)) as [number, number, number];
  const processes: ChildProcess[] = [];
  const opened = new AsyncDisposableStack();
  opened.defer(async () => {
    for (const one of processes.toReversed()) await endProcess(one);
  });
  try {
    await startApiWithEtcd({ folder, ports: { client, peer, api: port }, secrets, now, processes });
    const forward = await forwardPort(port, join(folder, 'api.sock'));
    opened.defer(() => forward.close());
    const api = connectApi({ connect: { socketPath: forward.socketPath }, serverName: 'kubernetes', ca: secrets.authorities.kubernetes.certificate, certificate: admin.certificate, key: admin.privateKey });
    opened.defer(() => api.close());
    await waitUntilReady(api);
    return { api, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

export async function waitUntilReady(api: ApiClient): Promise<void> {
  const end = performance.now() + 90_000;
  while (!(await api.readyz().then(({ ready }) => ready, () => false))) {
    assert.ok(performance.now() < end, 'the API server is not ready within 90 s');
    await systemClock.sleep(200);
  }
}

/** Writes the control plane's certificates below `folder` and starts a real kube-apiserver with them on loopback. */
async function startApiServer(folder: string, ports: { readonly api: number; readonly etcd: number }, { secrets, now, encryption }: Pick<RealApi, 'secrets' | 'now' | 'encryption'>): Promise<ChildProcess> {
  const pki = join(folder, 'etc/kubernetes/pki');
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content, { mode: 0o600 });
  };
  for (const leaf of leavesFor(cluster, aHost({ address: '127.0.0.1', roles: ['control-plane'] }))) {
    const { certificate, privateKey } = await issueLeaf(leaf, secrets.authorities[leaf.authority], { now });
    put(leaf.certificatePath, certificate);
    put(leaf.keyPath, privateKey.reveal());
  }
  for (const [name, { certificate }] of Object.entries(secrets.authorities)) put(`${name}.pem`, certificate);
  put('sa.key', secrets.serviceAccountKey.reveal());
  put('sa.pub', servicePublicKey(secrets));
  put('encryption.yaml', encryption ?? encryptionConfig(secrets.encryptionKey).reveal());
  const flags = {
    'bind-address': '127.0.0.1',
    'secure-port': ports.api,
    'advertise-address': '127.0.0.1',
    'etcd-servers': `https://127.0.0.1:${ports.etcd}`,
    'etcd-cafile': join(folder, 'etcd.pem'),
    'etcd-certfile': `${pki}/apiserver-etcd-client.crt`,
    'etcd-keyfile': `${pki}/apiserver-etcd-client.key`,
    'tls-cert-file': `${pki}/apiserver.crt`,
    'tls-private-key-file': `${pki}/apiserver.key`,
    'client-ca-file': join(folder, 'kubernetes.pem'),
    'authorization-mode': 'Node,RBAC',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': join(folder, 'sa.pub'),
    'service-account-signing-key-file': join(folder, 'sa.key'),
    'service-cluster-ip-range': '10.96.0.0/12',
    'encryption-provider-config': join(folder, 'encryption.yaml'),
    'endpoint-reconciler-type': 'none',
    'requestheader-client-ca-file': join(folder, 'front-proxy.pem'),
    'requestheader-allowed-names': 'front-proxy-client',
    'proxy-client-cert-file': `${pki}/front-proxy-client.crt`,
    'proxy-client-key-file': `${pki}/front-proxy-client.key`,
  };
  return spawn(cachedProgram('kube-apiserver', '1.37.2'), Object.entries(flags).map(([name, value]) => `--${name}=${value}`), { stdio: 'ignore' });
}
