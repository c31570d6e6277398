import assert from 'node:assert/strict';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { VerdictBody } from '../../src/backup/verdicts.ts';
import { verdictsOf } from '../../src/backup/verdicts.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KubekeepError } from '../../src/lib/errors.ts';
import { addKeys } from '../../src/operations/backup/change-keys.ts';
import { openToRead } from '../../src/operations/backup/open-backup.ts';
import { verifyPoint } from '../../src/operations/backup/verify-point.ts';
import type { Operation } from '../../src/operations/operation.ts';
import { createIdentity } from '../../src/pki/seal.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';

describe('restore verify', () => {
  let kept: KeptCluster;
  const revision = async () => (await kept.etcd.status()).revision;
  const followAll = async () => {
    const until = await revision();
    await kept.follow(() => until);
  };
  const verify = async (at: string, changes: Partial<Operation> = {}): Promise<VerdictBody> => (await verifyPoint({ ...kept.operation, ...changes }, kept.store, at)).verdict;
  const post = (path: string, kind: string, apiVersion: string, name: string, rest: object) => kept.api.post(path, { apiVersion, kind, metadata: { name }, ...rest });
  const configMap = (name: string) => post('/api/v1/namespaces/default/configmaps', 'ConfigMap', 'v1', name, { data: { name } });
  const definition = (plural: string, kind: string, group: string) => ({
    spec: {
      group, scope: 'Namespaced', names: { plural, kind },
      versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v1', schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } })),
    },
  });
  /** Some time after its definition a resource is served. */
  const untilMade = async (path: string, kind: string, apiVersion: string) => {
    const end = performance.now() + 30_000;
    while (!(await post(path, kind, apiVersion, 'one', { size: 1 }).then(() => true, () => false))) {
      assert.ok(performance.now() < end, `${kind} is not served`);
      await systemClock.sleep(100);
    }
  };
  const aside = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    await rename(path, `${path}.aside`);
    try {
      return await work();
    } finally {
      await rename(`${path}.aside`, path);
    }
  };

  before(async () => {
    kept = await keptCluster();
    await post('/api/v1/namespaces/default/secrets', 'Secret', 'v1', 'one', { stringData: { word: 'one' } });
    await post('/apis/apiregistration.k8s.io/v1/apiservices', 'APIService', 'apiregistration.k8s.io/v1', 'v1.elsewhere.example', { spec: { group: 'elsewhere.example', version: 'v1', groupPriorityMinimum: 100, versionPriority: 1, insecureSkipTLSVerify: true, service: { name: 'none', namespace: 'default' } } });
    await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'CustomResourceDefinition', 'apiextensions.k8s.io/v1', 'things.example.org', definition('things', 'Thing', 'example.org'));
    await post('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', 'ValidatingWebhookConfiguration', 'admissionregistration.k8s.io/v1', 'nobody', {
      webhooks: [{ name: 'nobody.example.org', clientConfig: { url: 'https://127.0.0.1:1/x' }, rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'] }], failurePolicy: 'Ignore', timeoutSeconds: 1, sideEffects: 'None', admissionReviewVersions: ['v1'] }],
    });
    // More than a page; and what an API server makes anew when it starts, which must not be counted.
    for (let batch = 0; batch < 21; batch++) await Promise.all(Array.from({ length: 10 }, (_, number) => configMap(`many${batch}-${number}`)));
    await kept.api.delete('/apis/rbac.authorization.k8s.io/v1/clusterroles/view');
    await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', 'CustomResourceDefinition', 'apiextensions.k8s.io/v1', 'others.example.net', definition('others', 'Other', 'example.net'));
    await untilMade('/apis/example.net/v1/namespaces/default/others', 'Other', 'example.net/v1');
    await kept.api.patch('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/others.example.net', {
      spec: {
        versions: definition('others', 'Other', 'example.net').spec.versions.map((one) => ({ ...one, storage: one.name === 'v2' })),
        conversion: { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://127.0.0.1:1/x' }, conversionReviewVersions: ['v1'] } },
      },
    });
    await kept.takeBase();
    for (let number = 0; number < 5; number++) await configMap(`c${number}`);
    await untilMade('/apis/example.org/v1/namespaces/default/things', 'Thing', 'example.org/v1');
    await followAll();
  });
  after(() => kept[Symbol.asyncDispose]());

  it('replays a point, compares it, reads all of it, and says so in the chain', async () => {
    const { verdict, entry, point } = await verifyPoint(kept.operation, kept.store, 'latest');
    assert.deepEqual([verdict.outcome, verdict.problems], ['held', []]);
    assert.deepEqual(verdict.listed!.leftOut.map(({ what }) => what), ['v1.elsewhere.example', 'others.example.net (1)']);
    assert.ok(verdict.listed!.objects > 200 && verdict.listed!.resources > 60, JSON.stringify(verdict.listed));
    assert.ok(verdict.state!.revision > point.base.revision, 'the log has said what members had');
    const { repository } = await openToRead(kept.operation, kept.store);
    assert.deepEqual(verdictsOf(repository.chain).at(-1), { ...verdict, number: entry, writer: repository.chain.entries.at(-1)!.writer });
  });

  it('reads the very state of a point between, and a base alone', async () => {
    const [last, base] = [await verify('latest'), await verify('base:3')];
    const between = await verify(`revision:${base.revision + 2}`);
    assert.deepEqual([base.outcome, between.outcome, base.log, between.log], ['held', 'held', undefined, { first: base.revision + 1, last: base.revision + 2 }]);
    assert.equal(between.listed!.objects, base.listed!.objects + 2);
    assert.ok(last.listed!.objects > between.listed!.objects);
    assert.deepEqual(base.state!.members.map(({ verdict }) => verdict), ['equal']);
  });

  it('reads Secrets with the keys that lie beside the point where this computer has none, says so where it may not, and records nothing without the keys of a writer', async () => {
    const { state } = kept.operation;
    const beside = await aside(join(state.path, 'secrets.age'), () => verify('base:3'));
    assert.deepEqual([beside.outcome, beside.problems], ['held', []]);
    // An auditor reads data, and what is sealed not.
    const auditor = await createIdentity();
    const identityFile = join(kept.folder, 'auditor');
    await writeFile(identityFile, auditor.identity.reveal(), { mode: 0o600 });
    await addKeys(kept.operation, kept.store, { named: [auditor.recipient], use: 'data' });
    const sealed = await verifyPoint({ ...kept.operation, identityFile }, kept.store, 'base:3');
    assert.deepEqual([sealed.verdict.outcome, sealed.verdict.problems, sealed.entry], ['degraded', ['secrets: the key that they are encrypted with is not here'], undefined]);
    const reader = await aside(join(state.path, 'repository.age'), () => verifyPoint(kept.operation, kept.store, 'base:3'));
    assert.deepEqual([reader.verdict.outcome, reader.entry], ['held', undefined]);
  });

  it('leaves nothing behind, also where it was interrupted', async () => {
    const interruption = new AbortController();
    const progress: Operation['progress'] = ({ step, type }) => void (step === 'restore/list' && type === 'started' && interruption.abort(new KubekeepError('interrupted', 'stopped')));
    await assert.rejects(verify('base:3', { signal: interruption.signal, progress }));
    assert.deepEqual((await readdir(kept.operation.state.path)).filter((name) => name.startsWith('verify-')), []);
  });

  it('names an object that is damaged, and calls the point broken', async () => {
    const packs = (await readdir(join(kept.folder, 'repository/packs'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
    const path = join(packs[0]!.parentPath, packs[0]!.name);
    const good = await readFile(path);
    const bad = Buffer.from(good);
    bad[100]! ^= 1;
    await writeFile(path, bad);
    const verdict = await verify('base:3');
    await writeFile(path, good);
    assert.equal(verdict.outcome, 'broken');
    assert.match(verdict.problems.join(), new RegExp(packs[0]!.name));
  });

  // M9: a capturer that loses an event and counts on. Numbers alone do not show it.
  it('finds by the state hash what a capturer lost whose revisions have no gap', async () => {
    const from = await revision();
    for (let number = 0; number < 10; number++) await configMap(`lost${number}`);
    const until = await revision();
    const lossy = (client: EtcdClient): EtcdClient => ({
      ...client,
      async *watch(after, options) {
        for await (const all of client.watch(after, options)) yield { ...all, changes: all.changes.map((change) => (change.revision === from + 5 ? { ...change, key: Buffer.from('/registry/configmaps/default/c0') } : change)) };
      },
    });
    await kept.follow(() => until, { client: lossy });
    const verdict = await verify('latest');
    assert.equal(verdict.outcome, 'broken', JSON.stringify(verdict));
    assert.match(verdict.problems[0]!, /^at revision \d+ it is not what m1 had by HashKV$/);
    assert.equal(verdict.listed, undefined);
    assert.equal((await verify(`revision:${from}`)).outcome, 'held');
  });

  it('finds by the keys themselves what a capturer lost after the newest hash', async () => {
    await kept.takeBase();
    const from = await revision();
    let [until, lost, came] = [Infinity, Infinity, from];
    const lossy = (client: EtcdClient): EtcdClient => ({
      ...client,
      async *watch(after, options) {
        for await (const all of client.watch(after, options)) {
          yield { ...all, changes: all.changes.map((change) => (change.revision === lost ? { ...change, key: Buffer.from('/registry/configmaps/default/c1') } : change)) };
          came = all.changes.at(-1)?.revision ?? came;
        }
      },
    });
    const following = kept.follow(() => until, { client: lossy });
    // With the first change that comes the capturer asks for a hash, and not again for a minute.
    await configMap('first');
    while (came <= from) await systemClock.sleep(20);
    lost = (await revision()) + 3;
    for (let number = 0; number < 5; number++) await configMap(`later${number}`);
    until = await revision();
    await following;
    const verdict = await verify('latest');
    assert.ok(verdict.state!.revision < lost, JSON.stringify(verdict));
    assert.deepEqual([verdict.outcome, verdict.problems], ['broken', [`revision ${lost} does not follow on what the log has before it: a change is missing, or another one`]]);
  });
});
