import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ApiConnection } from '../../src/clients/kubernetes/api-connection.ts';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import { connectApi } from '../../src/clients/kubernetes/connect-api.ts';
import type { ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { adminLeaf } from '../../src/pki/leaves.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { endProcess } from '../support/end-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { startApiWithEtcd, waitUntilReady } from '../support/real-api-server.ts';
import { forwardPort } from '../support/unix-forward.ts';
import type { UnixForward } from '../support/unix-forward.ts';

// A real kube-apiserver on a real etcd, both with certificates of our own PKI, reached by a unix socket.
const folder = mkdtempSync(join(tmpdir(), 'kubekeep-api-'));
const now = Date.now();
const secrets = await createSecrets('prod', now);
const admin = await issueLeaf(adminLeaf('ann', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 });
const [clientPort, peerPort, apiPort, nobody] = (await freePorts(4)) as [number, number, number, number];
const processes: ChildProcess[] = [];
let forward: UnixForward;
let api: ApiClient;

before(async () => {
  await startApiWithEtcd({ folder, ports: { client: clientPort, peer: peerPort, api: apiPort }, secrets, now, processes });
  forward = await forwardPort(apiPort, join(folder, 'api.sock'));
  api = client();
  await waitUntilReady(api);
});

after(async () => {
  api.close();
  await forward.close();
  await Promise.all(processes.map(endProcess));
  rmSync(folder, { recursive: true });
});

function client(changes: Partial<ApiConnection> = {}): ApiClient {
  const { certificate } = secrets.authorities.kubernetes;
  return connectApi({ connect: { socketPath: forward.socketPath }, serverName: 'kubernetes', ca: certificate, certificate: admin.certificate, key: admin.privateKey, ...changes });
}

const fails = (reason: string, status?: number) => (error: unknown) => error instanceof ApiError && error.reason === reason && error.status === status && error.code === 'api-failed';

test('health names the checks; a text answer stays text', async () => {
  const { ready, failed, text } = await api.readyz();
  assert.deepEqual([ready, failed], [true, []]);
  assert.match(text, /\[\+\]etcd ok/);
  assert.equal(await api.get('/readyz'), 'ok');
});

test('objects are made, read, changed in three ways and deleted', async () => {
  const path = '/api/v1/namespaces/default/configmaps';
  const named = (data: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data });
  const dataOf = async () => (await api.get<{ data: object }>(`${path}/one`)).data;
  await api.post(path, named({ a: 'ä' }));
  assert.deepEqual(await dataOf(), { a: 'ä' });
  await assert.rejects(api.post(path, named({})), fails('AlreadyExists', 409));
  await api.patch(`${path}/one`, { data: { b: '2' } });
  assert.deepEqual(await dataOf(), { a: 'ä', b: '2' });
  await api.put(`${path}/one`, named({ c: '3' }));
  assert.deepEqual(await dataOf(), { c: '3' });
  await assert.rejects(api.apply(`${path}/one`, named({ c: '4' }), { fieldManager: 'test' }), fails('Conflict', 409));
  await api.apply(`${path}/one`, named({ c: '4' }), { fieldManager: 'test', force: true });
  assert.deepEqual(await dataOf(), { c: '4' });
  await api.delete(`${path}/one`);
  await assert.rejects(api.get(`${path}/one`), (error) => fails('NotFound', 404)(error) && /GET .*configmaps\/one: configmaps "one" not found/.test(String(error)));
});

test('many requests at once all get their own answer', async () => {
  const versions = await Promise.all(Array.from({ length: 50 }, () => api.get<{ gitVersion: string }>('/version')));
  assert.deepEqual(new Set(versions.map(({ gitVersion }) => gitVersion)).size, 1);
});

test('every name and address of the serving certificate can be asked for, by socket and by port', async () => {
  for (const serverName of ['cp1', 'api.example', '10.0.0.100', '10.96.0.1', 'kubernetes.default.svc.cluster.local']) {
    const one = client({ serverName, connect: { host: '127.0.0.1', port: apiPort } });
    assert.equal(await one.get('/livez'), 'ok');
    one.close();
  }
});

const refused: readonly (readonly [string, () => Promise<ApiClient>, string, number | undefined, RegExp])[] = [
  ['another name', async () => client({ serverName: 'other.example' }), 'Untrusted', undefined, /does not match/],
  ['another address', async () => client({ serverName: '10.0.0.98' }), 'Untrusted', undefined, /does not match|not in the cert/],
  ['another CA', async () => client({ ca: (await createSecrets('prod', now)).authorities.kubernetes.certificate }), 'Untrusted', undefined, /not from the CA of this cluster/],
  ['no certificate of ours', async () => client({ certificate: undefined, key: undefined }), 'Forbidden', 403, /system:anonymous/],
  ['a user without rights', async () => {
    const bob = await issueLeaf(adminLeaf('bob'), secrets.authorities.kubernetes, { now });
    return client({ certificate: bob.certificate, key: bob.privateKey });
  }, 'Forbidden', 403, /User "bob"/],
  ['nobody there', async () => client({ connect: { host: '127.0.0.1', port: nobody } }), 'Unreachable', undefined, /ECONNREFUSED/],
];
for (const [title, connect, reason, status, message] of refused) {
  test(`a request ends with the reason: ${title}`, async () => {
    const one = await connect();
    await assert.rejects(one.get('/api/v1/secrets'), (error) => fails(reason, status)(error) && message.test(String(error)));
    one.close();
  });
}

test('a deadline and an interruption end a request that gets no answer', async () => {
  const watch = '/api/v1/namespaces?watch=true';
  const start = performance.now();
  await assert.rejects(api.get(watch, { deadline: 300 }), fails('TimedOut'));
  assert.ok(performance.now() - start < 1000);
  await assert.rejects(api.get(watch, { signal: AbortSignal.timeout(200) }), { name: 'AbortError' });
});

test('an API server without its etcd is not ready and says so; one that is gone is unreachable', async () => {
  await endProcess(processes[0]!);
  const end = performance.now() + 30_000;
  let health = await api.readyz();
  while (health.ready && performance.now() < end) health = await systemClock.sleep(300).then(() => api.readyz());
  assert.equal(health.ready, false);
  assert.ok(health.failed.some((name) => name.startsWith('etcd')), health.text);
  await endProcess(processes[1]!);
  await assert.rejects(api.readyz(), fails('Unreachable'));
});
