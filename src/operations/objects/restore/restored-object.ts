import { at, isList, isObject, textOf, type Json, type JsonObject } from '../../../objects/json.ts';
import { manifestOf, tokenType, without } from '../../../objects/manifest.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';
import type { SameCluster } from '../same-cluster.ts';
import type { Living } from './living.ts';
import { calledBy, idOf, volumeNamed } from './selection.ts';

/** An object as it is given to an API server, and what of it is not as it was then. */
export interface RestoredObject {
  readonly object: JsonObject;
  readonly notes: readonly string[];
}

export interface RestoringInto {
  /** Where it goes, and where it was. */
  readonly target: ObjectName;
  readonly source: ObjectName;
  readonly living: Living;
  /** Names of the volumes that are restored too. */
  readonly volumes: ReadonlySet<string>;
  readonly cluster: SameCluster;
}

/** Without what an API server, a node or a controller fills in, but with the addresses, ports and volume of then where nobody else has them. */
export function restoredObject(object: JsonObject, into: RestoringInto): RestoredObject {
  const manifest = manifestOf(object);
  const { target } = into;
  const version = servedVersion(object, into);
  const metadata = { ...(manifest['metadata'] as JsonObject), name: target.name, ...(target.namespace !== '' && { namespace: target.namespace }) };
  const { object: special, notes } = byResource[nameOf(target)]?.(object, { ...manifest, metadata }, into) ?? { object: { ...manifest, metadata }, notes: [] };
  return { object: { ...special, apiVersion: version.apiVersion }, notes: [...version.notes, ...notes, ...general(object)] };
}

function servedVersion(object: JsonObject, { target, living }: RestoringInto): { readonly apiVersion: string; readonly notes: readonly string[] } {
  const apiVersion = textOf(object['apiVersion']);
  const served = living.served.get(nameOf(target)) ?? [];
  const now = served[0];
  if (now === undefined || served.includes(apiVersion.split('/').at(-1)!)) return { apiVersion, notes: [] };
  return { apiVersion: target.group === '' ? now : `${target.group}/${now}`, notes: [`as ${now}: ${apiVersion} is not served any more`] };
}

function general({ metadata }: JsonObject): readonly string[] {
  const finalizers = at(metadata, 'finalizers');
  const gone = isList(finalizers) ? finalizers.map(textOf).filter((name) => !/^kubernetes\.io\/|^(foregroundDeletion|orphan)$/.test(name)) : [];
  return [
    ...(at(metadata, 'deletionTimestamp') === undefined ? [] : ['it was being deleted then, and is not now']),
    ...(gone.length === 0 ? [] : [`without the finalizer ${gone.join(', ')}: who needs it adds it`]),
  ];
}

type Special = (object: JsonObject, manifest: JsonObject, into: RestoringInto) => RestoredObject;

const byResource: Readonly<Record<string, Special>> = {
  'services': service,
  'persistentvolumeclaims': claim,
  'secrets': (_, manifest) => (manifest['type'] === tokenType ? { object: without(manifest, ['data']), notes: ['its token is made anew'] } : { object: manifest, notes: [] }),
  'rolebindings.rbac.authorization.k8s.io': binding,
};

function service(object: JsonObject, manifest: JsonObject, { target, source, living }: RestoringInto): RestoredObject {
  const { spec } = object;
  // A copy beside leaves them to the original.
  if (target.namespace !== source.namespace) return { object: manifest, notes: [] };
  const ports = (isList(at(spec, 'ports')) ? (at(spec, 'ports') as readonly Json[]) : []).filter(isObject);
  const addresses = [at(spec, 'clusterIPs'), at(spec, 'clusterIP')].flat().map((one) => textOf(one as Json)).filter((one) => one !== '' && one !== 'None');
  const nodePorts = [...ports.map(({ nodePort }) => textOf(nodePort)), textOf(at(spec, 'healthCheckNodePort'))].filter((port) => port !== '' && port !== '0');
  const own = calledBy(target);
  const taken = (one: string) => living.given.get(one) !== undefined && living.given.get(one) !== own;
  const [lostAddress, lostPort] = [addresses.find(taken), nodePorts.find((port) => taken(`port ${port}`))];
  const kept: JsonObject = {
    ...(manifest['spec'] as JsonObject),
    ...(lostAddress === undefined && pick(spec, ['clusterIP', 'clusterIPs'])),
    ...(lostPort === undefined && { ...pick(spec, ['healthCheckNodePort']), ...(ports.length > 0 && { ports }) }),
  };
  const notes = [
    ...(lostAddress === undefined ? [] : [`another address: ${living.given.get(lostAddress)!} has ${lostAddress} now`]),
    ...(lostPort === undefined ? [] : [`other node ports: ${living.given.get(`port ${lostPort}`)!} has ${lostPort} now`]),
  ];
  return { object: { ...manifest, spec: kept }, notes };
}

function claim(object: JsonObject, manifest: JsonObject, { target, source, living, volumes, cluster }: RestoringInto): RestoredObject {
  const volume = textOf(at(object, 'spec', 'volumeName'));
  if (volume === '') return { object: manifest, notes: [] };
  const without = (why: string) => ({ object: { ...manifest, spec: withoutVolume(manifest) }, notes: [`with a new, empty volume: ${why}`] });
  if (target.namespace !== source.namespace) return without(`${volume} belongs to the original`);
  if (volumes.has(volume)) return { object: manifest, notes: [`with the volume ${volume}`] };
  const now = living.objects.get(idOf(volumeNamed(volume)));
  if (!now || at(now, 'metadata', 'deletionTimestamp') !== undefined) return without(cluster === 'other' ? `${volume} is of the other cluster; with kubekeep objects restore pv/${volume} before it, it would have that one` : `${volume} was deleted`);
  const owner = at(now, 'spec', 'claimRef');
  // A disk of the same name may be any.
  if (cluster === 'other' && !isObject(owner)) return without(`${volume} of this cluster was never that of the claim`);
  if (isObject(owner) && (owner['namespace'] !== target.namespace || owner['name'] !== target.name)) return without(`${volume} belongs to ${textOf(owner['namespace'])}/${textOf(owner['name'])} now`);
  return { object: manifest, notes: [`with the volume ${volume}`] };
}

function withoutVolume({ spec }: JsonObject): JsonObject {
  return without(spec, ['volumeName']);
}

/** Accounts of the namespace that is left are those of the new one. */
function binding(_: JsonObject, manifest: JsonObject, { target, source }: RestoringInto): RestoredObject {
  const { subjects } = manifest;
  if (target.namespace === source.namespace || !isList(subjects)) return { object: manifest, notes: [] };
  return { object: { ...manifest, subjects: subjects.map((one) => (isObject(one) && one['kind'] === 'ServiceAccount' && one['namespace'] === source.namespace ? { ...one, namespace: target.namespace } : one)) }, notes: [] };
}

function pick(value: Json | undefined, names: readonly string[]): JsonObject {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => names.includes(name))) : {};
}
