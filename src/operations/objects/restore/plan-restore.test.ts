import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceCalled } from '../../../objects/find-resource.ts';
import type { JsonObject } from '../../../objects/json.ts';
import { nameOf } from '../../../objects/stored-objects.ts';
import type { Living } from './living.ts';
import { leftOut, planRestore, type PlannedWish, type RestorePlan } from './plan-restore.ts';
import { idOf, type SelectedObject } from './selection.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An object of then by "kind/name", in namespace shop where it lies in one. */
function then(what: string, { metadata = {}, apiVersion = 'v1', ...fields }: Fields = {}): SelectedObject {
  const [kind = '', name = ''] = what.split('/');
  const resource = resourceCalled(kind) ?? { group: 'example.org', resource: 'things', kind: 'Thing', namespaced: true };
  const namespace = resource.namespaced ? 'shop' : '';
  return { name: { group: resource.group, resource: resource.resource, namespace, name }, object: { apiVersion, kind: resource.kind, metadata: { name, ...(namespace !== '' && { namespace }), uid: `uid-${what}`, ...(metadata as object) }, ...fields } as JsonObject, why: undefined };
}

const owner = (what: string, controller = true) => ({ metadata: { ownerReferences: [{ apiVersion: { Deployment: 'apps/v1', ReplicaSet: 'apps/v1', StatefulSet: 'apps/v1', CronJob: 'batch/v1', Job: 'batch/v1', Thing: 'example.org/v1' }[then(what).object!['kind'] as string] ?? 'v1', kind: then(what).object!['kind'], name: what.split('/')[1], uid: `uid-${what}`, controller }] } });
const definition = then('crd/things.example.org', { apiVersion: 'apiextensions.k8s.io/v1', spec: { group: 'example.org', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' }, versions: [{ name: 'v1', served: true }] } });

interface Case {
  readonly objects: readonly SelectedObject[];
  readonly beside?: readonly SelectedObject[];
  /** What there is now. */
  readonly now?: readonly SelectedObject[];
  readonly given?: Readonly<Record<string, string>>;
  readonly served?: Readonly<Record<string, readonly string[]>>;
  readonly named?: boolean;
  readonly wish?: Partial<PlannedWish>;
}

function planOf({ objects, beside = [], now = [then('ns/shop')], given = {}, served = {}, named = false, wish = {} }: Case): RestorePlan {
  const living: Living = { objects: new Map(now.map((one) => [idOf(one.name), { ...one.object!, metadata: { ...(one.object!['metadata'] as JsonObject), uid: 'uid-now', resourceVersion: '7' } }])), served: new Map(Object.entries(served)), given: new Map(Object.entries(given)) };
  return planRestore({ named, objects, beside: new Map([...beside, ...objects].map((one) => [idOf(one.name), one])) }, living, { to: undefined, onConflict: 'skip', withStatus: false, cluster: 'same', ...wish });
}

const short = ({ steps }: RestorePlan) => steps.map(({ action, name }) => `${action} ${nameOf(name)}/${name.name}`);
const names = (plan: RestorePlan) => short(plan).map((one) => one.split(' ')[1]!.replace(/\.[\w.]+\//, '/'));
const stepOf = (plan: RestorePlan, name: string) => plan.steps.find((one) => one.name.name === name)!;

describe('a plan to restore objects', () => {
  it('makes first what others stand on, read, may do and claim, then what owns, then what is owned, and last what limits and refuses', () => {
    const objects = ['quota/q', 'validatingwebhookconfigurations/v', 'deploy/web', 'limits/l', 'pod/p', 'ep/e', 'svc/s', 'pvc/c', 'pv/d', 'rolebinding/b', 'role/r', 'cm/m', 'secret/x', 'sa/a', 'sc/slow', 'ns/shop', 'ing/i'].map((what) => then(what));
    const plan = planOf({ objects: [then('cm/owned', owner('things/one', false)), then('things/one'), ...objects], beside: [definition], now: [] });
    assert.deepEqual(names(plan), ['customresourcedefinitions/things.example.org', 'namespaces/shop', 'storageclasses/slow', 'serviceaccounts/a', 'configmaps/m', 'secrets/x', 'roles/r', 'rolebindings/b', 'persistentvolumes/d', 'persistentvolumeclaims/c', 'services/s', 'endpoints/e', 'pods/p', 'limitranges/l', 'deployments/web', 'ingresses/i', 'things/one', 'configmaps/owned', 'resourcequotas/q', 'validatingwebhookconfigurations/v']);
  });

  for (const [title, one, others, why] of [
    ['an event', then('events/e'), [], /what happened/],
    ['a lease', then('leases/l'), [], /holds it/],
    ['an address', then('ipaddresses/10.0.0.1'), [], /the API server/],
    ['the root certificate of a namespace', then('cm/kube-root-ca.crt'), [], /controller writes it/],
    ['a ReplicaSet of a Deployment that is restored', then('rs/web-1', owner('deploy/web')), [then('deploy/web')], /deployments\.apps\/web makes it anew/],
    ['a Pod of a ReplicaSet that is left out itself', then('pod/web-1-x', owner('rs/web-1')), [then('rs/web-1', owner('deploy/web')), then('deploy/web')], /replicasets\.apps\/web-1 makes it anew/],
    ['a Job of a CronJob', then('job/nightly-1', owner('cj/nightly')), [then('cj/nightly')], /cronjobs\.batch\/nightly/],
    ['a claim of a Pod', then('pvc/scratch', owner('pod/p')), [then('pod/p')], /pods\/p makes it anew/],
    ['a Job that has ended', then('job/once', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }), [], /would run again.* job\/once alone/],
    ['a Pod that has ended', then('pod/once', { status: { phase: 'Succeeded' } }), [], /would run again/],
    ['a Pod that a node makes', then('pod/etcd-cp1', { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } } }), [], /a node makes it/],
    ['a slice of a controller', then('endpointslices/web-x', { metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } } }), [], /a controller writes it/],
    ['endpoints of a Service with a selector', then('ep/web'), [then('svc/web', { spec: { selector: { app: 'web' } } })], /a controller writes it/],
    ['the account that every namespace has', then('sa/default'), [], /a controller makes it/],
    ['a Node', then('node/w1'), [], /writes it anew/],
    ['what cannot be read', { ...then('secret/x'), object: undefined, why: 'it is damaged' }, [], /cannot be read: it is damaged/],
  ] as const) {
    it(`leaves out ${title}`, () => {
      const { left, steps } = planOf({ objects: [one, ...others] });
      assert.match(left.find(({ name }) => idOf(name) === idOf(one.name))?.why ?? '', why);
      assert.ok(!steps.some(({ name }) => idOf(name) === idOf(one.name)));
    });
  }

  for (const [title, one, others] of [
    ['a ReplicaSet of nobody', then('rs/web-1'), []],
    ['a Job that has ended and was asked for by its name', then('job/once', { status: { conditions: [{ type: 'Complete', status: 'True' }] } }), []],
    ['endpoints that somebody wrote', then('ep/db'), [then('svc/db', { spec: {} })]],
    ['a slice that somebody wrote', then('endpointslices/db-1', { metadata: { labels: { 'kubernetes.io/service-name': 'db' } } }), []],
    ['the default account with a secret for pulling', then('sa/default', { imagePullSecrets: [{ name: 'registry' }] }), []],
    ['a Secret that somebody owns', then('secret/tls', owner('things/one')), [then('things/one')]],
  ] as const) {
    it(`does not leave out ${title}`, () => {
      const plan = planOf({ objects: [one, ...others], named: others.length === 0, beside: [definition] });
      assert.deepEqual(plan.left, []);
      assert.ok(names(plan).some((name) => name.endsWith(`/${one.name.name}`)));
    });
  }

  it('leaves what a living controller has made anew to it', () => {
    assert.match(planOf({ objects: [then('rs/web-1', owner('deploy/web'))], named: true, now: [then('ns/shop'), then('deploy/web')] }).left[0]!.why, /deployments\.apps\/web makes it anew/);
  });

  for (const [title, given, owners, notes] of [
    ['that is restored too, by the uid that it gets', { objects: [then('things/one')] }, [{ step: 'things.example.org/shop/one' }], []],
    ['that was made anew, by its uid of now', { now: [then('ns/shop'), then('things/one')] }, [{ uid: 'uid-now' }], []],
    ['that is gone: none, with a word', {}, [], ['without its owner Thing one, which is gone']],
  ] as const satisfies readonly (readonly [string, Partial<Case>, unknown, unknown])[]) {
    it(`gives an object its owner ${title}`, () => {
      const plan = planOf({ objects: [then('cm/owned', owner('things/one')), ...('objects' in given ? given.objects : [])], beside: [definition], now: [...('now' in given ? given.now : [then('ns/shop')]), definition] });
      const step = stepOf(plan, 'owned');
      assert.deepEqual(step.owners.map(({ reference, ...rest }) => (assert.equal('uid' in reference, false), rest)), owners);
      assert.deepEqual([step.notes, step.object['metadata']], [notes, { name: 'owned', namespace: 'shop' }]);
    });
  }

  const claim = then('pvc/data', { metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'mine': 'yes' }, finalizers: ['kubernetes.io/pvc-protection'] }, spec: { volumeName: 'disk1', accessModes: [] } });
  const volume = (fields: Fields) => then('pv/disk1', { spec: { claimRef: { namespace: 'shop', name: 'data', uid: 'old', resourceVersion: '1' }, ...fields } });
  for (const [title, given, steps, bound, note] of [
    ['its volume, which is made free for it', { now: [volume({})] }, ['release persistentvolumes/disk1', 'create persistentvolumeclaims/data'], 'disk1', /with the volume disk1/],
    ['its volume, which is made free for it, also where both were asked for', { objects: [claim, volume({})], now: [volume({})] }, ['release persistentvolumes/disk1', 'create persistentvolumeclaims/data'], 'disk1', /with the volume disk1/],
    ['a new volume where that one belongs to another claim now, though both were asked for', { objects: [claim, volume({})], now: [volume({ claimRef: { namespace: 'shop', name: 'other', uid: 'new' } })] }, ['skip persistentvolumes/disk1', 'create persistentvolumeclaims/data'], undefined, /belongs to shop\/other now/],
    ['its volume, which is restored where its disk was to be kept', { beside: [volume({ persistentVolumeReclaimPolicy: 'Retain' })] }, ['create persistentvolumes/disk1', 'create persistentvolumeclaims/data'], 'disk1', /with the volume disk1/],
    ['a new volume where the old one went with it', { beside: [volume({ persistentVolumeReclaimPolicy: 'Delete' })] }, ['create persistentvolumeclaims/data'], undefined, /new, empty volume: disk1 was deleted/],
    ['a new volume where the old one belongs to another claim now', { now: [volume({ claimRef: { namespace: 'shop', name: 'other', uid: 'new' } })] }, ['create persistentvolumeclaims/data'], undefined, /belongs to shop\/other now/],
    ['a new volume in another cluster, where the disk could be written to by both', { beside: [volume({ persistentVolumeReclaimPolicy: 'Retain' })], wish: { cluster: 'other' } }, ['create persistentvolumeclaims/data'], undefined, /disk1 is of the other cluster; with kubekeep objects restore pv\/disk1 before it/],
    ['a new volume in another cluster where one of that name may be any', { now: [volume({ claimRef: undefined! })], wish: { cluster: 'other' } }, ['create persistentvolumeclaims/data'], undefined, /disk1 of this cluster was never that of the claim/],
    ['its volume in another cluster where that was given back before', { now: [volume({ claimRef: { namespace: 'shop', name: 'data' } })], wish: { cluster: 'other' } }, ['create persistentvolumeclaims/data'], 'disk1', /with the volume disk1/],
    ['a new volume in another namespace', { now: [volume({}), { ...then('ns/shop'), name: { ...then('ns/shop').name, name: 'copy' } }], wish: { to: 'copy' } }, ['create persistentvolumeclaims/data'], undefined, /belongs to the original/],
  ] as const) {
    it(`gives a claim ${title}`, () => {
      const plan = planOf({ objects: [claim], ...given, now: [then('ns/shop'), ...('now' in given ? given.now : [])] });
      const { object, notes } = stepOf(plan, 'data');
      assert.deepEqual([short(plan), (object['spec'] as JsonObject)['volumeName'], (object['metadata'] as JsonObject)['annotations']], [steps, bound, { mine: 'yes' }]);
      assert.match(notes.join(), note);
      const disk = plan.steps.find(({ name, action }) => name.name === 'disk1' && action !== 'skip');
      if (disk) assert.deepEqual((disk.object['spec'] as JsonObject)['claimRef'], { namespace: 'shop', name: 'data' });
    });
  }

  const service = then('svc/web', { spec: { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80, nodePort: 30080 }] } });
  for (const [title, given, spec, note] of [
    ['its address and ports where they are free', {}, { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80, nodePort: 30080 }] }, /^$/],
    ['another address where somebody has it', { given: { '10.96.0.7': 'services/x in y' } }, { ports: [{ port: 80, nodePort: 30080 }] }, /another address: services\/x in y has 10\.96\.0\.7 now/],
    ['other node ports where somebody has one', { given: { 'port 30080': 'services/x in y' } }, { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [{ port: 80 }] }, /other node ports: services\/x in y has 30080 now/],
    ['others in another namespace', { wish: { to: 'copy' } }, { ports: [{ port: 80 }] }, /^$/],
  ] as const) {
    it(`gives a Service ${title}`, () => {
      const { object, notes } = stepOf(planOf({ objects: [service], ...given }), 'web');
      assert.deepEqual(object['spec'], spec);
      assert.match(notes.filter((one) => !one.includes('needs')).join(), note);
    });
  }

  it('leaves out of an object what belonged to its life: node, priority, finalizers, marks of deletion, a token', () => {
    const pod = stepOf(planOf({ objects: [then('pod/p', { metadata: { finalizers: ['example.org/a', 'foregroundDeletion'], deletionTimestamp: 'x', resourceVersion: '1', managedFields: [] }, spec: { nodeName: 'w1', priority: 0, containers: [] }, status: { phase: 'Running' } })] }), 'p');
    assert.deepEqual(pod.object, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'shop' }, spec: { containers: [] } });
    assert.deepEqual(pod.notes, ['it was being deleted then, and is not now', 'without the finalizer example.org/a: who needs it adds it']);
    const secret = stepOf(planOf({ objects: [then('secret/t', { type: 'kubernetes.io/service-account-token', metadata: { annotations: { 'kubernetes.io/service-account.name': 'a', 'kubernetes.io/service-account.uid': 'old' } }, data: { token: 'eA==' } })] }), 't');
    assert.deepEqual([secret.object['data'], (secret.object['metadata'] as JsonObject)['annotations'], secret.notes], [undefined, { 'kubernetes.io/service-account.name': 'a' }, ['its token is made anew']]);
  });

  it('takes the version that is served where the one of then is not', () => {
    const step = stepOf(planOf({ objects: [then('cj/nightly', { apiVersion: 'batch/v1beta1' })], served: { 'cronjobs.batch': ['v1'] } }), 'nightly');
    assert.deepEqual([step.object['apiVersion'], step.path, step.notes], ['batch/v1', '/apis/batch/v1/namespaces/shop/cronjobs/nightly', ['as v1: batch/v1beta1 is not served any more']]);
  });

  it('checks in its place what can be, in another namespace what goes into a new one, and later what stands on what comes', () => {
    const checks = (given: Case) => Object.fromEntries(planOf(given).steps.map(({ name, check }) => [name.name, check]));
    const objects = [then('cm/m'), then('pod/p', { spec: { serviceAccountName: 'a' } }), then('sa/a'), then('things/one')];
    assert.deepEqual(checks({ objects, beside: [definition], now: [then('ns/shop'), then('sa/a'), definition] }), { m: 'in-place', p: 'in-place', a: 'in-place', one: 'in-place' });
    assert.deepEqual(checks({ objects, beside: [definition] }), { 'm': 'in-place', 'p': 'later', 'a': 'in-place', 'one': 'later', 'things.example.org': 'in-place' });
    assert.deepEqual(checks({ objects, beside: [definition, then('ns/shop')], now: [definition] }), { m: 'stand-in', p: 'later', a: 'stand-in', one: 'stand-in', shop: 'in-place' });
  });

  it('does with what is there what was asked for, and gives it no owner', () => {
    for (const onConflict of ['skip', 'replace', 'merge', 'fail'] as const) {
      const [step] = planOf({ objects: [then('cm/m', owner('things/one'))], now: [then('ns/shop'), then('cm/m')], wish: { onConflict } }).steps;
      assert.deepEqual([step!.action, step!.owners, step!.notes], [onConflict, [], []]);
    }
  });

  it('into another namespace renames it, and the accounts of a binding with it', () => {
    const plan = planOf({ objects: [then('ns/shop'), then('rolebinding/b', { apiVersion: 'rbac.authorization.k8s.io/v1', subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: 'shop' }, { kind: 'ServiceAccount', name: 'a', namespace: 'kube-system' }] })], wish: { to: 'copy' } });
    assert.deepEqual([names(plan), stepOf(plan, 'b').path, (stepOf(plan, 'b').object['subjects'] as readonly JsonObject[]).map(({ namespace }) => namespace)], [['namespaces/copy', 'rolebindings/b'], '/apis/rbac.authorization.k8s.io/v1/namespaces/copy/rolebindings/b', ['copy', 'kube-system']]);
  });

  it('says of an export what is left out without asking a cluster', () => {
    const objects = [then('deploy/web'), then('rs/web-1', owner('deploy/web'))];
    assert.deepEqual(leftOut({ named: false, objects, beside: new Map() }, new Map()).map(({ name }) => name.name), ['web-1']);
  });
});
