import { at, isList, isObject, type Json, type JsonObject } from './json.ts';

/** What an API server writes itself, and refuses or ignores from others. */
const ofServer = ['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink', 'managedFields'];

/** An object as somebody could have written it, to be created anew: without what an API server, a scheduler or a controller filled in. Owners are left out too: those of then may be gone, and their objects would go with them. */
export function manifestOf({ status: _, ...object }: JsonObject): JsonObject {
  const metadata = without(object['metadata'], [...ofServer, 'ownerReferences']);
  return bare({ ...object, metadata });
}

function bare(object: JsonObject): JsonObject {
  const { spec } = object;
  switch (object['kind']) {
    case 'Service': return { ...object, spec: serviceSpec(spec) };
    case 'Pod': return { ...object, spec: without(spec, ['nodeName']) };
    case 'PersistentVolume': return { ...object, spec: { ...without(spec, ['claimRef']), ...(isObject(at(spec, 'claimRef')) && { claimRef: without(at(spec, 'claimRef'), ['uid', 'resourceVersion']) }) } };
    case 'Job': return at(spec, 'manualSelector') === true ? object : withoutUid({ ...object, spec: without(spec, ['selector']) });
    default: return object;
  }
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
  const relabelled = (metadata: Json | undefined) => ({ ...without(metadata, ['labels']), ...(isObject(at(metadata, 'labels')) && { labels: without(at(metadata, 'labels'), names) }) });
  const { spec } = job;
  return { ...job, metadata: relabelled(job['metadata']), spec: { ...without(spec, []), template: { ...without(at(spec, 'template'), []), metadata: relabelled(at(spec, 'template', 'metadata')) } } };
}

function without(value: Json | undefined, names: readonly string[]): JsonObject {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) : {};
}
