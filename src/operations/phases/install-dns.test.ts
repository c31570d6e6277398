import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster } from '../../../test/support/example-cluster.ts';
import { scriptedApi } from '../../../test/support/scripted-api.ts';
import { systemClock } from '../../lib/clock.ts';
import { dnsDeploymentPath } from '../read-dns.ts';
import { putDns } from './install-dns.ts';

test("somebody else's DNS is not touched, whatever the plan knew of it", async () => {
  const service = { items: [{ metadata: { namespace: 'dns', name: 'own' } }] };
  for (const [answers, what] of [[{ '/api/v1/services': service }, /left as it is: Service dns\/own has 10\.96\.0\.10/], [{ '/api/v1/services': { items: [] }, [dnsDeploymentPath]: { metadata: {}, spec: { template: {} } } }, /left as it is: Deployment kube-system\/coredns is there/]] as const) {
    const { api, changes } = scriptedApi(answers);
    const told: string[] = [];
    await putDns({ cluster, clock: systemClock, signal: new AbortController().signal, progress: ({ title }) => void told.push(title) }, api, async () => assert.fail('kubeadm was asked'));
    assert.deepEqual(changes, []);
    assert.match(told.join(), what);
  }
});
