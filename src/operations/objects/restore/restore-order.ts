import { nameOf, type ResourceName } from '../../../objects/stored-objects.ts';

/** Each line is made before the next: what others are made of, live in, run as, read, may do, claim. */
const lines: readonly (readonly string[])[] = [
  ['customresourcedefinitions.apiextensions.k8s.io'],
  ['namespaces'],
  ['priorityclasses.scheduling.k8s.io', 'runtimeclasses.node.k8s.io', 'storageclasses.storage.k8s.io', 'volumeattributesclasses.storage.k8s.io', 'csidrivers.storage.k8s.io', 'ingressclasses.networking.k8s.io', 'deviceclasses.resource.k8s.io', 'servicecidrs.networking.k8s.io'],
  ['serviceaccounts'],
  ['secrets', 'configmaps'],
  ['networkpolicies.networking.k8s.io'],
  ['clusterroles.rbac.authorization.k8s.io', 'roles.rbac.authorization.k8s.io'],
  ['clusterrolebindings.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io'],
  ['persistentvolumes'],
  ['persistentvolumeclaims'],
  ['services'],
  ['endpoints', 'endpointslices.discovery.k8s.io'],
  ['pods'],
  // After what may be older than it, before what makes Pods.
  ['limitranges'],
  ['podtemplates', 'replicationcontrollers', 'replicasets.apps', 'deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch', 'cronjobs.batch'],
];
/** They limit or refuse what comes after them, and a quota refuses everything until a controller has counted. */
const last: ReadonlySet<string> = new Set(['resourcequotas', 'apiservices.apiregistration.k8s.io', 'validatingwebhookconfigurations.admissionregistration.k8s.io', 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'validatingadmissionpolicies.admissionregistration.k8s.io', 'validatingadmissionpolicybindings.admissionregistration.k8s.io', 'mutatingadmissionpolicies.admissionregistration.k8s.io', 'mutatingadmissionpolicybindings.admissionregistration.k8s.io']);

const places = new Map(lines.flatMap((line, index) => line.map((name) => [name, index])));
/** So many lines are what others stand on: they are there before the others can be checked in their place. */
const foundationLines = 4;
/** More than any line or depth of owners. */
const beyond = 1000;

/** A number for each object: lower ones are made first. `depth`: how many owners stand above it among those that are restored; it comes after each of them. */
export function orderOf(name: ResourceName, depth: number): number {
  if (last.has(nameOf(name))) return beyond * beyond;
  return depth * beyond + (places.get(nameOf(name)) ?? lines.length);
}

/** Whether others can only be checked when it is there. */
export function isFoundation(order: number): boolean {
  return order < foundationLines;
}
