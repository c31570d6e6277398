import type { ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectApi, type ApiClient } from '../src/clients/kubernetes/connect-api.ts';
import { seededDraw } from '../src/lib/seeded-draw.ts';
import { issueLeaf } from '../src/pki/issue.ts';
import { adminLeaf } from '../src/pki/leaves.ts';
import { createSecrets } from '../src/pki/secrets.ts';
import { endProcess } from '../test/support/end-process.ts';
import { freePorts } from '../test/support/free-ports.ts';
import { startApiWithEtcd, waitUntilReady } from '../test/support/real-api-server.ts';
import { forwardPort } from '../test/support/unix-forward.ts';

const lanes = 24;

/** Fills an etcd with objects that a real API server wrote, and gives the folder with its data. Secrets are encrypted, as in a cluster that kubekeep builds. */
export async function writtenByApi(folder: string, count: number): Promise<{ readonly data: string; readonly name: string }> {
  await mkdir(folder);
  const now = Date.now();
  const secrets = await createSecrets('bench', now);
  const { certificate, privateKey: key } = await issueLeaf(adminLeaf('bench', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 });
  const [client, peer, port] = (await freePorts(3)) as [number, number, number];
  const processes: ChildProcess[] = [];
  try {
    await startApiWithEtcd({ folder, ports: { client, peer, api: port }, secrets, now, processes });
    const { socketPath, close } = await forwardPort(port, join(folder, 'api.sock'));
    const api = connectApi({ connect: { socketPath }, serverName: 'kubernetes', ca: secrets.authorities.kubernetes.certificate, certificate, key });
    await waitUntilReady(api);
    await createObjects(api, count);
    api.close();
    await close();
  } finally {
    for (const one of processes.toReversed()) await endProcess(one);
  }
  return { data: join(folder, 'etcd/data'), name: 'm1' };
}

async function createObjects(api: ApiClient, count: number): Promise<void> {
  const draw = seededDraw(5);
  const word = () => Math.floor(draw() * 1e12).toString(36);
  let next = 0;
  const lane = async () => {
    for (let number = next++; number < count; number = next++) {
      const [path, object] = objectOf(number, word);
      await api.post(path, { metadata: { name: `o${number}`, labels: { app: word(), tier: `t${number % 7}` } }, ...object }, { deadline: 60_000 });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Of five kinds, in the shares and sizes that a busy cluster has. */
function objectOf(number: number, word: () => string): readonly [path: string, object: object] {
  const labels = { app: word() };
  const template = { metadata: { labels }, spec: { containers: Array.from({ length: 3 }, (_, index) => ({ name: `c${index}`, image: `registry.example/${word()}:${index}`, env: Array.from({ length: 6 }, (__, at) => ({ name: `VARIABLE_${at}`, value: word() })), resources: { requests: { cpu: '100m', memory: '64Mi' } } })) } };
  switch (number % 10) {
    case 0: case 1: return ['/apis/apps/v1/namespaces/default/deployments', { spec: { replicas: 0, selector: { matchLabels: labels }, template } }];
    case 2: case 3: return ['/apis/apps/v1/namespaces/default/replicasets', { spec: { replicas: 0, selector: { matchLabels: labels }, template } }];
    case 4: return ['/api/v1/namespaces/default/secrets', { stringData: { password: word(), certificate: Array.from({ length: 100 }, word).join('\n') } }];
    case 5: case 6: return ['/api/v1/namespaces/default/configmaps', { data: Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`key-${at}`, `${word()} ${word()}`])) }];
    case 7: return ['/apis/coordination.k8s.io/v1/namespaces/default/leases', { spec: { holderIdentity: word(), leaseDurationSeconds: 40 } }];
    default: return ['/api/v1/namespaces/default/events', { involvedObject: { kind: 'Pod', namespace: 'default', name: word() }, reason: 'Started', message: `Started container ${word()} of ${word()}`, type: 'Normal', source: { component: 'kubelet' } }];
  }
}
