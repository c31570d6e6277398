import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { becomeAnotherCluster } from '../support/another-cluster.ts';
import { everyKind, type ApiObject } from '../support/every-kind.ts';
import { keptCluster, type KeptCluster } from '../support/kept-cluster.ts';
import { startControllers } from '../support/real-controllers.ts';
import { runHere } from '../support/run-here.ts';

const shop = '/api/v1/namespaces/shop';
const things = '/apis/example.org/v1/namespaces/shop/things';
const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.org';
const settings = '/api/v1/namespaces/other/configmaps/settings';

describe('objects of a backup', () => {
  let kept: KeptCluster;
  let controllers: AsyncDisposable;
  let base: string;
  /** As the base has them. */
  let [service, thing]: ApiObject[] = [];
  const run = (command: string, ...args: readonly string[]) => runHere('objects', command, ...args, '--file', join(kept.folder, 'cluster.yaml'), ...(['restore', 'undo'].includes(command) && !args.includes('--kubeconfig') ? ['--kubeconfig', kept.kubeconfig] : []));
  const ok = async (command: string, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await run(command, ...args);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    return stdout;
  };
  const restore = (...args: readonly string[]) => ok('restore', ...args, '--at', base);
  const outcomes = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run('restore', ...args, '--at', base, '--json');
    assert.notEqual(stdout, '', stderr);
    const { steps, left, undo } = JSON.parse(stdout);
    return { code, undo, left: left as readonly any[], steps: Object.fromEntries(steps.map((one: any) => [`${one.resource}/${one.name}`, one])) as Readonly<Record<string, any>> };
  };
  const undone = async (id: string) => {
    const { code, stdout } = await run('undo', id, '--yes', '--json');
    return { code, steps: Object.fromEntries(JSON.parse(stdout).steps.map((one: any) => [`${one.resource}/${one.name}`, one])) as Readonly<Record<string, any>> };
  };
  const get = (path: string) => kept.api.get<any>(path);
  const list = async (path: string) => (await kept.api.get<{ readonly items: readonly any[] }>(path)).items;
  const gone = (path: string) => get(path).then(() => false, (error: unknown) => error instanceof ApiError && error.status === 404);
  const until = async (what: string, holds: () => Promise<boolean>) => {
    const end = performance.now() + 120_000;
    while (!(await holds())) {
      assert.ok(performance.now() < end, `not in time: ${what}`);
      await systemClock.sleep(100);
    }
  };
  const podsOfWeb = async () => (await list(`${shop}/pods?labelSelector=app%3Dweb`)).filter(({ metadata }) => metadata.ownerReferences?.[0]?.kind === 'ReplicaSet' && metadata.deletionTimestamp === undefined);
  const isBound = async () => (await get(`${shop}/persistentvolumeclaims/kept`)).status.phase === 'Bound';
  const hasToken = async () => (await get(`${shop}/secrets/builder-token`)).data?.token !== undefined;

  before(async () => {
    kept = await keptCluster();
    await writeFile(join(kept.folder, 'cluster.yaml'), exampleClusterFile({ name: 'prod', vip: '198.18.250.100/24', hosts: [{ name: 'cp1', address: '198.18.250.11' }], backup: { repository: 'repository' } }));
    const { api } = kept;
    assert.deepEqual((await everyKind(api)).refused, []);
    // Nobody serves it, and a namespace would not be emptied.
    await api.delete('/apis/apiregistration.k8s.io/v1/apiservices/v1.elsewhere.example');
    controllers = startControllers(kept);
    thing = await api.get<ApiObject>(`${things}/one`);
    await api.post(`${shop}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'of-thing', ownerReferences: [{ apiVersion: 'example.org/v1', kind: 'Thing', name: 'one', uid: thing.metadata['uid'] }] }, data: { a: 'b' } });
    await api.post(`${shop}/secrets`, { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token', metadata: { name: 'builder-token', annotations: { 'kubernetes.io/service-account.name': 'builder' } } });
    await api.post('/api/v1/persistentvolumes', { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'disk2' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain', hostPath: { path: '/tmp' } } });
    await api.post(`${shop}/persistentvolumeclaims`, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'kept' }, spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } } });
    await api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other' } });
    await api.post(settings.replace('/settings', ''), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { one: '1', two: '2' } });
    await until('the pods of web, the claim and the token', async () => (await podsOfWeb()).length === 3 && (await isBound()) && (await hasToken()));
    service = await api.get<ApiObject>(`${shop}/services/web`);
    base = `base:${(await kept.takeBase()).number}`;
    const pod = `${shop}/pods/everything`;
    await api.delete(`${pod}?gracePeriodSeconds=0`);
    await api.patch(pod, { metadata: { finalizers: null } });
    await api.delete(shop);
    await until('the namespace is gone', () => gone(shop));
    const { revision } = await kept.etcd.status();
    await kept.follow(() => revision);
  });
  after(async () => {
    await controllers?.[Symbol.asyncDispose]();
    await kept?.[Symbol.asyncDispose]();
  });

  it('that went with their namespace are one command, to the point before it began to go', async () => {
    const { deleted } = JSON.parse(await ok('deleted', '--since', base, '--json'));
    const commands = deleted.filter(({ command }: any) => command !== undefined && !command.includes('v1.elsewhere'));
    assert.deepEqual(commands.map(({ resource, name }: any) => `${resource}/${name}`), ['pods/everything', 'namespaces/shop'].slice(commands.length === 1 ? 1 : 0), JSON.stringify(commands));
    const [, ...words] = (commands.at(-1).command as string).split(' ').slice(0, -2);
    assert.match((await ok('restore', ...words.slice(2).map(String), '--dry-run')), /\+ deployments\.apps\/web in shop/);
  });

  it('are shown as a plan that the API server has checked, and nothing is written in a dry run or unconfirmed', async () => {
    const text = await restore('ns/shop', '--dry-run');
    assert.match(text, /\n\+ namespaces\/shop\n/);
    assert.match(text, /left out: .*replicasets\.apps\/web-\w+ in shop {2}deployments\.apps\/web makes it anew/);
    assert.match(text, /namespace shop is not there yet: what goes into it was checked in namespace default/);
    assert.doesNotMatch(text, /hunter2|aHVudGVyMg/);
    const { code, stderr } = await run('restore', 'ns/shop', '--at', base);
    assert.deepEqual([code, /was not confirmed/.test(stderr)], [3, true], stderr);
    assert.ok(await gone(shop));
    assert.equal(await ok('undo'), 'nothing was restored from this computer\n');
  });

  it('come back as a namespace that lives: owners and addresses right, volumes bound, tokens made, and a second run has nothing to do', async () => {
    const { code, steps, undo } = await outcomes('ns/shop', '--yes');
    assert.equal(code, 0);
    assert.deepEqual(Object.values(steps).filter(({ outcome }) => outcome !== 'written'), []);
    assert.ok(new Set(Object.keys(steps).map((one) => one.split('/')[0])).size >= 25, Object.keys(steps).join());
    await until('the pods of web, the claim and the token', async () => (await podsOfWeb()).length === 3 && (await isBound()) && (await hasToken()));
    const [set] = (await list('/apis/apps/v1/namespaces/shop/replicasets')).filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'web');
    assert.deepEqual([set.metadata.ownerReferences[0].uid, set.status.replicas], [(await get('/apis/apps/v1/namespaces/shop/deployments/web')).metadata.uid, 3]);
    const now = await get(`${shop}/services/web`);
    assert.deepEqual([now.spec.clusterIP, now.spec.ports], [(service as any).spec.clusterIP, (service as any).spec.ports]);
    assert.equal((await get('/api/v1/persistentvolumes/disk2')).spec.claimRef.uid, (await get(`${shop}/persistentvolumeclaims/kept`)).metadata.uid);
    const owned = await get(`${shop}/configmaps/of-thing`);
    const owner = await get(`${things}/one`);
    assert.notEqual(owner.metadata.uid, thing!.metadata['uid']);
    assert.deepEqual(owned.metadata.ownerReferences.map(({ uid }: any) => uid), [owner.metadata.uid]);
    assert.equal(Buffer.from((await get(`${shop}/secrets/password`)).data.word, 'base64').toString(), 'hunter2');
    const pod = await get(`${shop}/pods/everything`);
    assert.deepEqual([pod.metadata.ownerReferences, pod.metadata.finalizers], [undefined, undefined]);
    const again = await outcomes('ns/shop', '--yes');
    assert.deepEqual([again.code, again.undo, [...new Set(Object.values(again.steps).map(({ outcome }) => outcome))]], [0, undefined, ['same']]);
    const record = join(kept.folder, '.kubekeep/prod/undo', `${undo}.age`);
    assert.deepEqual([(await stat(record)).mode & 0o777, (await readFile(record, 'latin1')).includes('hunter2')], [0o600, false]);
    // What somebody else made meanwhile, and what was changed, stays, and its namespace with it.
    await kept.api.post(`${shop}/configmaps`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs' } });
    await kept.api.patch(`${shop}/configmaps/settings`, { data: { fresh: 'yes' } });
    await kept.api.patch(`${shop}/persistentvolumeclaims/kept`, { metadata: { labels: { fresh: 'yes' } } });
    const first = await undone(undo);
    assert.deepEqual([first.code, ...['namespaces/shop', 'configmaps/settings', 'services/web', 'persistentvolumes/disk2'].map((name) => first.steps[name].action)], [5, 'keep', 'keep', 'remove', 'keep'], JSON.stringify(first.steps));
    assert.match(first.steps['namespaces/shop'].why, /more in it than was restored: configmaps\/settings in shop, configmaps\/theirs in shop/);
    assert.match(first.steps['configmaps/settings'].why, /changed since: data\.fresh/);
    assert.match(first.steps['persistentvolumes/disk2'].why, /persistentvolumeclaims\/kept in shop has it, and stays/);
    assert.ok(await isBound());
    await kept.api.delete(`${shop}/configmaps/theirs`);
    await kept.api.patch(`${shop}/configmaps/settings`, { data: { fresh: null } });
    await kept.api.patch(`${shop}/persistentvolumeclaims/kept`, { metadata: { labels: null } });
    const second = await undone(undo);
    assert.equal(second.steps['persistentvolumes/disk2'].action, 'put-back');
    assert.deepEqual(Object.values(second.steps).filter(({ action }) => action === 'keep'), []);
    await until('the namespace is gone', () => gone(shop));
    assert.match(await ok('undo'), new RegExp(`\n${undo} .* ns/shop at revision \\d+ +\\d{4}-`));
  });

  it('go into another namespace, with accounts, volumes and addresses of their own', async () => {
    const { steps, undo, code } = await outcomes('ns/shop', '--namespace-to', 'copy', '-l', 'app notin (web)', '--yes');
    assert.equal(code, 0, JSON.stringify(Object.values(steps).filter(({ outcome }) => outcome !== 'written')));
    assert.equal((await get('/apis/rbac.authorization.k8s.io/v1/namespaces/copy/rolebindings/readers')).subjects[0].namespace, 'copy');
    assert.match(steps['persistentvolumeclaims/kept'].notes.join(), /a new, empty volume: disk2 belongs to the original/);
    assert.ok(await gone(shop));
    assert.equal((await undone(undo)).code, 0);
  });

  it('bring the definition of a custom resource and the namespace that they need, and take both away again where they are refused then', async () => {
    await kept.api.delete(definition);
    await until('the definition is gone', async () => (await gone(definition)) && (await gone('/apis/example.org/v1')));
    const shown = await outcomes('thing/one', '-n', 'shop', '--dry-run');
    assert.deepEqual(Object.keys(shown.steps), ['customresourcedefinitions.apiextensions.k8s.io/things.example.org', 'namespaces/shop', 'things.example.org/one']);
    // A policy that can only be asked when there is such a kind, and that lets nobody take one namespace away.
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
    const bindings = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings';
    await kept.api.post(policies, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'nothing' }, spec: { matchConstraints: { resourceRules: [{ apiGroups: ['', 'example.org'], apiVersions: ['*'], operations: ['CREATE'], resources: ['things', 'configmaps'] }, { apiGroups: [''], apiVersions: ['v1'], operations: ['DELETE'], resources: ['namespaces'] }] }, validations: [{ expression: "request.operation == 'DELETE' ? request.name != 'stays' : !(object.metadata.name in ['one', 'probe'])", message: 'no things here' }] } });
    await kept.api.post(bindings, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'nothing' }, spec: { policyName: 'nothing', validationActions: ['Deny'] } });
    const isTaken = () => kept.api.post(`${settings.replace('/settings', '')}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'probe' } }).then(() => true, () => false);
    await until('the policy holds', async () => !(await isTaken()));
    const refused = await outcomes('thing/one', '-n', 'shop', '--yes');
    assert.deepEqual([refused.code, refused.undo, refused.steps['things.example.org/one'].outcome], [3, undefined, 'refused'], JSON.stringify(refused.steps));
    assert.match(refused.steps['things.example.org/one'].why, /no things here/);
    await until('both are gone', async () => (await gone(definition)) && (await gone('/apis/example.org/v1')) && (await gone(shop)));
    const stays = await outcomes('thing/one', '-n', 'shop', '--namespace-to', 'stays', '--yes');
    assert.deepEqual([stays.code, stays.steps['namespaces/stays'].outcome, stays.steps['customresourcedefinitions.apiextensions.k8s.io/things.example.org'].outcome], [3, 'written', 'ready'], JSON.stringify(stays.steps));
    assert.match(stays.steps['namespaces/stays'].why, /no things here/);
    await until('the definition is gone', async () => (await gone(definition)) && (await gone('/apis/example.org/v1')));
    await kept.api.delete(`${bindings}/nothing`);
    await kept.api.delete(`${policies}/nothing`);
    await until('the policy is gone', isTaken);
    assert.equal((await undone(stays.undo)).steps['namespaces/stays'].action, 'remove');
    assert.equal((await outcomes('thing/one', '-n', 'shop', '--yes')).code, 0);
    assert.equal((await get(`${things}/one`)).spec.deep.big, 9007199254740991);
  });

  for (const [way, code, outcome, data] of [
    ['skip', 0, 'kept', { one: '1', two: 'changed', three: '3' }],
    ['fail', 3, 'refused', { one: '1', two: 'changed', three: '3' }],
    ['merge', 0, 'written', { one: '1', two: '2', three: '3' }],
    ['replace', 0, 'written', { one: '1', two: '2' }],
  ] as const) {
    it(`that are there and not the same: --on-conflict ${way}; undo puts back what was there`, async () => {
      const before = { one: '1', two: 'changed', three: '3' };
      await kept.api.put(settings, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: before });
      const { code: found, steps, undo } = await outcomes('cm/settings', '-n', 'other', '--on-conflict', way, '--yes');
      const step = steps['configmaps/settings'];
      assert.deepEqual([found, step.outcome, (await get(settings)).data], [code, outcome, data]);
      assert.ok(step.changes.some((one: any) => one.path === 'data.two' && one.before === 'changed' && one.after === '2'), JSON.stringify(step));
      if (outcome !== 'written') return assert.equal(undo, undefined);
      assert.equal((await outcomes('cm/settings', '-n', 'other', '--on-conflict', way, '--yes')).steps['configmaps/settings'].outcome, 'same');
      assert.deepEqual([(await undone(undo)).code, (await get(settings)).data], [0, before]);
    });
  }

  it('that are there with another address: --on-conflict merge leaves a Service its own', async () => {
    const services = '/api/v1/namespaces/shop/services';
    const made = await kept.api.post<any>(services, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: { app: 'other' }, ports: [{ name: 'mine', port: 81 }] } });
    const { code, steps, undo } = await outcomes('svc/web', '-n', 'shop', '--on-conflict', 'merge', '--yes');
    assert.deepEqual([code, steps['services/web'].outcome], [0, 'written'], JSON.stringify(steps));
    const { spec } = await get(`${services}/web`);
    assert.deepEqual([spec.clusterIP, spec.selector.app, spec.ports.some(({ name }: any) => name === 'mine')], [made.spec.clusterIP, 'web', true]);
    assert.equal((await undone(undo)).code, 0);
    await kept.api.delete(`${services}/web`);
  });

  it('get the status of then where that is asked for', async () => {
    const path = '/apis/policy/v1/namespaces/other/poddisruptionbudgets/web';
    assert.equal((await outcomes('pdb/web', '-n', 'shop', '--namespace-to', 'other', '--with-status', '--yes')).code, 0);
    assert.equal((await get(path)).status.observedGeneration, 1);
    await kept.api.delete(path);
  });

  it('are written as manifests that kubectl can create, one a file, into a folder that holds nothing else', async () => {
    const folder = join(kept.folder, 'manifests');
    const text = await ok('export', 'ns/shop', '--at', base, '--to', folder);
    assert.match(text, /left out: secrets\/\w+.* --reveal writes it/);
    const deployment = parse(await readFile(join(folder, 'shop/deployments.apps/web.yaml'), 'utf8'));
    assert.deepEqual([Object.keys(deployment), Object.keys(deployment.metadata)], [['apiVersion', 'kind', 'metadata', 'spec'], ['labels', 'name', 'namespace']]);
    assert.deepEqual((await readdir(join(folder, 'shop'))).filter((name) => ['secrets', 'events', 'replicasets.apps'].includes(name)), ['replicasets.apps'], 'web-1 is nobody\'s');
    await ok('export', 'secret/password', '-n', 'shop', '--at', base, '--to', folder, '--reveal');
    assert.deepEqual((await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml')), ['shop/secrets/password.yaml']);
    const { code, stderr } = await run('export', 'ns/shop', '--at', base, '--to', kept.folder);
    assert.deepEqual([code, /has files in it that no export wrote/.test(stderr)], [2, true], stderr);
  });

  for (const [title, args, message] of [
    ['an object that was not there', ['deploy/none', '-n', 'shop'], /there was no deployments\.apps\/none in namespace shop/],
    ['a namespace that was not there', ['ns/none'], /there was no namespace none/],
    ['a kind that is none', ['deploi/web'], /no kind of object is called "deploi"/],
    ['several namespaces into one', ['cm', '-A', '--namespace-to', 'x'], /takes objects of one namespace/],
    ['a file that is no kubeconfig', ['cm/settings', '-n', 'other', '--kubeconfig', '/etc/hostname'], /is no kubeconfig/],
  ] as const) {
    it(`${title} is refused before anything is asked of the cluster`, async () => {
      const { code, stdout, stderr } = await run('restore', ...args, '--at', base, '--yes');
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    });
  }

  it('go into another cluster with a word of warning, and undo touches none but the one that they went into', async () => {
    const { undo } = await outcomes('deploy/web', '-n', 'shop', '--namespace-to', 'other', '--yes');
    await becomeAnotherCluster(kept);
    const refused = await run('undo', undo, '--yes');
    assert.deepEqual([refused.code, /was into another cluster than the one that answers, and nothing was changed/.test(refused.stderr)], [3, true], refused.stderr);
    assert.match(await restore('deploy/web', '-n', 'shop', '--namespace-to', 'other', '--dry-run'), /\nthis is another cluster than that of the backup: .*\n= 1 object is there already/);
    const { code, undo: here } = await outcomes('pdb/web', '-n', 'shop', '--namespace-to', 'other', '--yes');
    assert.deepEqual([code, (await undone(here)).code], [0, 0]);
  });

  it('undo of what never was is refused', async () => {
    const { code, stderr } = await run('undo', '../../identity', '--yes');
    assert.deepEqual([code, /there is no restore \.\.\/\.\.\/identity that could be undone/.test(stderr)], [2, true], stderr);
  });
});
