/**
 * Puts one cluster onto new machines of every topology in turn, out of a bucket and with nothing else than the identity and the owner's key, and writes
 * docs/evidence/restore-topologies.md. `npm run test:restore-topologies [-- T3E T5]`. About two minutes a topology; needs root.
 */
import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { hostsWith } from '../../src/cluster/cluster.ts';
import { topologies } from '../../src/cluster/topologies.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { realS3 } from '../support/real-s3.ts';

const count = 500;
const configMaps = '/api/v1/namespaces/precious/configmaps';
const words = process.argv.slice(2);
const chosen = topologies.filter((one) => words.length === 0 || words.includes(one));
const kept = await mkdtemp('/var/tmp/kubekeep-topologies-');
const rows: string[] = [];

try {
  await using s3 = await realS3();
  await s3.client.createBucket({ Bucket: 'backups' });
  Object.assign(process.env, s3.owner, { AWS_EC2_METADATA_DISABLED: 'true' });
  let [authority, owner] = ['', ''];
  {
    await using first = await labCluster('T1', 'test-first');
    await keepsBackupsIn(first, s3);
    await expectZero(first.run('apply', '--yes'));
    ({ owner } = JSON.parse((await expectZero(first.run('backup', 'init', '--json'))).stdout) as { owner: string });
    await first.createNamespace('precious');
    await apiThroughVip(await first.reach(), async (api) => {
      for (let number = 0; number < count; number++) await api.post(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `n-${number}` } });
    });
    await expectZero(first.run('backup', 'run'));
    await cp(join(stateOf(first), 'identity'), join(kept, 'identity'));
    authority = (await first.secrets()).authorities.kubernetes.certificate;
  }
  let [from, highest] = ['T1', 0];
  for (const topology of chosen) {
    await using it = await labCluster(topology, `test-from-bucket-${topology.toLowerCase()}`);
    await keepsBackupsIn(it, s3);
    await mkdir(stateOf(it), { recursive: true, mode: 0o700 });
    await cp(join(kept, 'identity'), join(stateOf(it), 'identity'));
    const start = performance.now();
    await expectZero(it.run('restore', 'cluster', '--at', 'latest', '--yes', '--owner-key', owner));
    const took = (performance.now() - start) / 1000;
    const revision = await checked(it, authority, highest);
    rows.push(`| ${from} | ${topology} (${it.cluster.hosts.length} hosts, ${hostsWith(it.cluster, 'etcd').length} members) | ${took.toFixed(0)} | ${count} of ${count} | ${revision} |`);
    process.stderr.write(`${rows.at(-1)!}\n`);
    await expectZero(it.run('backup', 'run'));
    [from, highest] = [topology, revision];
  }
} finally {
  await rm(kept, { recursive: true, force: true });
}
await writeFile(fromRepository('docs/evidence/restore-topologies.md'), page());

/** Everything of then is there, on all members, with the authorities of then, and revisions went up. Resolves to the revision. */
async function checked(it: LabCluster, authority: string, highest: number): Promise<number> {
  await it.healthy();
  const { items } = await apiThroughVip(await it.reach(), (api) => api.get<{ items: unknown[] }>(configMaps, { deadline: 20_000 }));
  // The namespace has kube-root-ca.crt too.
  assert.equal(items.length, count + 1);
  const secrets = await it.secrets();
  assert.equal(secrets.authorities.kubernetes.certificate, authority);
  const clients = await Promise.all(hostsWith(it.cluster, 'etcd').map((spec) => etcdOf(spec, it.hosts.get(spec.name)!, secrets, Date.now())));
  try {
    const revision = Math.min(...(await Promise.all(clients.map(async (client) => (await client.status()).revision))));
    const hashes = await Promise.all(clients.map(async (client) => (await client.hashKv(revision)).hash));
    assert.equal(new Set(hashes).size, 1, `hashes of the members: ${hashes.join(', ')}`);
    assert.ok(revision > highest, `${revision} after ${highest}`);
    assert.match((await expectZero(it.run('apply', '--yes'))).stdout, /: 0 changes/);
    assert.equal((await it.run('status')).code, 0);
    return revision;
  } finally {
    for (const client of clients) client.close();
  }
}

function stateOf({ file, cluster }: LabCluster): string {
  return join(dirname(file), '.kubekeep', cluster.name);
}

async function keepsBackupsIn({ file }: LabCluster, { endpoint, ca }: { readonly endpoint: string; readonly ca: string }): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'backup'], { repository: 's3://backups/prod', s3: { endpoint, ca } });
  await writeFile(file, String(document));
}

function page(): string {
  return [
    '# One cluster, put onto machines of every topology out of a bucket',
    '',
    `Made by \`npm run test:restore-topologies\` on ${new Date().toISOString().slice(0, 10)}: Debian's radosgw as the bucket, new machines with other addresses each time, and of the cluster before`,
    'only the identity. After each: all objects, the same authority, one hash on all members, a higher revision, `apply` with nothing to do, `status` green. One run a row, on 2 shared cores.',
    '',
    '| from | to | `restore cluster`, s | objects | revision then |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
