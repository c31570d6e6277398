import { at, isList, isObject, textOf, type Json, type JsonObject } from './json.ts';

/** What an API server writes itself, and refuses or ignores from others. */
const ofServer = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields', 'finalizers'];
/** What controllers note on objects for themselves. */
const ofControllers = ['deployment.kubernetes.io/revision', 'pv.kubernetes.io/bind-completed', 'pv.kubernetes.io/bound-by-controller', 'volume.kubernetes.io/selected-node', 'volume.kubernetes.io/storage-provisioner', 'volume.beta.kubernetes.io/storage-provisioner', 'endpoints.kubernetes.io/last-change-trigger-time', 'kubernetes.io/service-account.uid'];

/** An object as somebody could have written it, to be created anew: without what an API server, a scheduler or a controller filled in. Owners are left out too: those of then may be gone, and their objects would go with them. */
export function manifestOf({ status: _, ...object }: JsonObject): JsonObject {
  const metadata = withoutIn(without(object['metadata'], [...ofServer, 'ownerReferences']), 'annotations', ofControllers);
  return bare({ ...object, metadata });
}

/** A manifest without the names of what belongs to one life of an object alone: two are equal where somebody wrote the same. */
export function comparable(object: JsonObject): JsonObject {
  const manifest = manifestOf(object);
  switch (kindOf(object)) {
    // Its token is made by a controller.
    case 'v1 Secret': return manifest['type'] === tokenType ? without(manifest, ['data']) : manifest;
    case 'v1 PersistentVolumeClaim': return { ...manifest, spec: without(manifest['spec'], ['volumeName']) };
    default: return manifest;
  }
}

/** The annotations that a manifest does not have. */
export function notesOfControllers(object: JsonObject): JsonObject {
  const annotations = at(object, 'metadata', 'annotations');
  return isObject(annotations) ? Object.fromEntries(Object.entries(annotations).filter(([name]) => ofControllers.includes(name))) : {};
}

/** Of Secrets. */
export const tokenType = 'kubernetes.io/service-account-token';

function bare(object: JsonObject): JsonObject {
  const { spec } = object;
  switch (kindOf(object)) {
    case 'v1 Service': return { ...object, spec: serviceSpec(spec) };
    case 'v1 Namespace': return { ...without(object, ['spec']), metadata: withoutIn(object['metadata'], 'labels', ['kubernetes.io/metadata.name']) };
    case 'v1 Pod': return { ...object, spec: without(spec, ['nodeName', 'priority', 'ephemeralContainers']) };
    case 'v1 PersistentVolume': return { ...object, spec: { ...without(spec, ['claimRef']), ...(isObject(at(spec, 'claimRef')) && { claimRef: without(at(spec, 'claimRef'), ['uid', 'resourceVersion']) }) } };
    case 'batch/v1 Job': return at(spec, 'manualSelector') === true ? object : withoutUid({ ...object, spec: without(spec, ['selector']) });
    default: return object;
  }
}

/** Others may call their custom resources as Kubernetes does its own. */
function kindOf({ apiVersion, kind }: JsonObject): string {
  return `${textOf(apiVersion)} ${textOf(kind)}`;
}

/** Addresses and ports that were given out; "None" was a wish. */
function serviceSpec(spec: Json | undefined): JsonObject {
  const ports = at(spec, 'ports');
  const given = at(spec, 'clusterIP') === 'None' ? [] : ['clusterIP', 'clusterIPs'];
  return { ...without(spec, [...given, 'healthCheckNodePort']), ...(isList(ports) && { ports: ports.map((port) => without(port, ['nodePort'])) }) };
}

/** Labels that a new Job gets with its new uid. */
function withoutUid(job: JsonObject): JsonObject {
  const names = ['controller-uid', 'batch.kubernetes.io/controller-uid', 'job-name', 'batch.kubernetes.io/job-name'];
  const relabelled = (metadata: Json | undefined) => withoutIn(metadata, 'labels', names);
  const { spec } = job;
  return { ...job, metadata: relabelled(job['metadata']), spec: { ...without(spec, []), template: { ...without(at(spec, 'template'), []), metadata: relabelled(at(spec, 'template', 'metadata')) } } };
}

/** Without some entries of one of its fields, and without that where nothing is left of it. */
function withoutIn(value: Json | undefined, field: string, names: readonly string[]): JsonObject {
  const left = without(at(value, field), names);
  return { ...without(value, [field]), ...(Object.keys(left).length > 0 && { [field]: left }) };
}

export function without(value: Json | undefined, names: readonly string[]): JsonObject {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) : {};
}
