import { at, isList, isObject, textOf, type JsonObject } from '../../../objects/json.ts';
import { nameOf, type ObjectName } from '../../../objects/stored-objects.ts';

/** Made by whatever owns them. A Job of a CronJob would run again what has run. */
const children: ReadonlySet<string> = new Set(['pods', 'replicasets.apps', 'controllerrevisions.apps', 'jobs.batch', 'endpointslices.discovery.k8s.io']);
/** Made by the Pod that owns them. */
const childrenOfPods: ReadonlySet<string> = new Set(['persistentvolumeclaims', 'resourceclaims.resource.k8s.io']);
const always: Readonly<Record<string, string>> = {
  'events': 'it tells what happened then',
  'leases.coordination.k8s.io': 'whoever holds it renews it',
  'ipaddresses.networking.k8s.io': 'the API server makes it with the Service',
};
/** Nodes, drivers and controllers write them of what they see. */
const seen: ReadonlySet<string> = new Set(['nodes', 'csinodes.storage.k8s.io', 'volumeattachments.storage.k8s.io', 'csistoragecapacities.storage.k8s.io', 'resourceslices.resource.k8s.io', 'certificatesigningrequests.certificates.k8s.io', 'podcertificaterequests.certificates.k8s.io']);

export interface Circumstances {
  /** The object was asked for by its name. */
  readonly named: boolean;
  /** Its controller, where that is restored too or lives: "deployments.apps/web". */
  readonly controller: string | undefined;
  /** A Service of its name is restored that has a selector. */
  readonly selected: boolean;
}

/** Why an object is not put back though it was asked for; undefined where it is. */
export function whyLeftOut(name: ObjectName, object: JsonObject, { named, controller, selected }: Circumstances): string | undefined {
  const resource = nameOf(name);
  if (always[resource] !== undefined) return always[resource];
  if (resource === 'configmaps' && name.name === 'kube-root-ca.crt') return 'a controller writes it into every namespace';
  if (resource === 'endpoints' && (selected || isWrittenByController(object))) return 'a controller writes it of the Service';
  if (resource === 'endpointslices.discovery.k8s.io' && textOf(at(object, 'metadata', 'labels', 'endpointslice.kubernetes.io/managed-by')).endsWith('.k8s.io')) return 'a controller writes it of the Service';
  if (resource === 'pods' && at(object, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== undefined) return 'a node makes it of a file';
  if (controller !== undefined && (children.has(resource) || (childrenOfPods.has(resource) && controller.startsWith('pods/')))) return `${controller} makes it anew`;
  if (named) return undefined;
  if (seen.has(resource)) return 'a node, a driver or a controller writes it anew';
  if (resource === 'serviceaccounts' && name.name === 'default' && isBare(object)) return 'a controller makes it in every namespace';
  if (resource === 'jobs.batch' && hasEnded(object)) return `it had ended, and would run again: to have it, restore job/${name.name} alone`;
  if (resource === 'pods' && ['Succeeded', 'Failed'].includes(textOf(at(object, 'status', 'phase')))) return `it had ended, and would run again: to have it, restore pod/${name.name} alone`;
  return undefined;
}

function isWrittenByController({ metadata }: JsonObject): boolean {
  return at(metadata, 'annotations', 'endpoints.kubernetes.io/last-change-trigger-time') !== undefined || at(metadata, 'labels', 'endpoints.kubernetes.io/managed-by') !== undefined;
}

function isBare({ metadata, secrets, imagePullSecrets, automountServiceAccountToken }: JsonObject): boolean {
  return [secrets, imagePullSecrets, automountServiceAccountToken, at(metadata, 'annotations'), at(metadata, 'labels')].every((one) => one === undefined);
}

function hasEnded(job: JsonObject): boolean {
  const conditions = at(job, 'status', 'conditions');
  return isList(conditions) && conditions.some((one) => isObject(one) && ['Complete', 'Failed'].includes(textOf(one['type'])) && one['status'] === 'True');
}
