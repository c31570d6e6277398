import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiClient } from '../src/clients/kubernetes/connect-api.ts';
import { seededDraw } from '../src/lib/seeded-draw.ts';
import { startOwnApi } from '../test/support/real-api-server.ts';

const lanes = 24;

/** Fills an etcd with objects that a real API server wrote, and gives the folder with its data. Secrets are encrypted, as in a cluster that kubekeep builds. */
export async function writtenByApi(folder: string, count: number): Promise<{ readonly data: string; readonly name: string }> {
  await mkdir(folder);
  {
    await using own = await startOwnApi(folder);
    await createObjects(own.api, count);
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
