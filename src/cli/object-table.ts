import { at, isList, isObject, textOf, type Json, type JsonObject } from '../objects/json.ts';
import type { Resource } from '../objects/resources.ts';
import { nameOf } from '../objects/stored-objects.ts';
import type { FoundObject } from '../operations/objects/read-objects.ts';
import { textTable } from './text-table.ts';

/** An object in a table of its kind. */
export interface ObjectRow {
  readonly namespace: string;
  readonly cells: readonly string[];
  /** Why it cannot be read. */
  readonly why: string | undefined;
}

/** Objects of one kind as a table like kubectl's, with what is known of them in a backup: when they were made, and which revision wrote them last. */
export function objectTable(resource: Resource, rows: readonly ObjectRow[], { namespaces }: { readonly namespaces: boolean }): string {
  const notes = rows.some(({ why }) => why !== undefined);
  const head = ['NAME', ...columnsFor(resource).map(([title]) => title), 'CREATED (UTC)', 'REVISION'];
  const line = (namespace: string, cells: readonly string[], note: string) => [...(namespaces ? [namespace] : []), ...cells, ...(notes ? [note] : [])];
  return textTable([line('NAMESPACE', head, 'CANNOT BE READ'), ...rows.map(({ namespace, cells, why = '' }) => line(namespace, cells, why))]);
}

export function objectRow(resource: Resource, { name, revision, ...found }: FoundObject): ObjectRow {
  const cells = columnsFor(resource).map(([, cell]) => (found.object ? cell(found.object) : ''));
  const created = found.object ? word(at(found.object, 'metadata', 'creationTimestamp')).replace('T', ' ').replace('Z', '') : '';
  return { namespace: name.namespace, cells: [name.name, ...cells, created, String(revision)], why: found.object ? undefined : found.why };
}

function columnsFor(resource: Resource): readonly Column[] {
  return columnsOf[nameOf(resource)] ?? [];
}

type Column = readonly [string, (object: JsonObject) => string];

const images: Column = ['IMAGES', (object) => (list(at(object, 'spec', 'template', 'spec', 'containers') ?? at(object, 'spec', 'containers'))).map((one) => word(at(one, 'image'))).join(',')];
const ready: Column = ['READY', (object) => `${word(at(object, 'status', 'readyReplicas')) || '0'}/${word(at(object, 'spec', 'replicas'))}`];
const phase: Column = ['STATUS', (object) => (at(object, 'metadata', 'deletionTimestamp') === undefined ? word(at(object, 'status', 'phase')) : 'Terminating')];
const data: Column = ['DATA', (object) => String(keys(object['data']) + keys(object['binaryData']))];

const columnsOf: Readonly<Record<string, readonly Column[]>> = {
  'pods': [phase, ['NODE', (object) => word(at(object, 'spec', 'nodeName'))], images],
  'deployments.apps': [ready, images],
  'statefulsets.apps': [ready, images],
  'replicasets.apps': [ready, images],
  'replicationcontrollers': [ready, images],
  'daemonsets.apps': [['READY', (object) => `${word(at(object, 'status', 'numberReady'))}/${word(at(object, 'status', 'desiredNumberScheduled'))}`], images],
  'services': [
    ['TYPE', (object) => word(at(object, 'spec', 'type'))],
    ['CLUSTER-IP', (object) => word(at(object, 'spec', 'clusterIP'))],
    ['PORTS', (object) => list(at(object, 'spec', 'ports')).map((port) => `${word(at(port, 'port'))}${at(port, 'nodePort') === undefined ? '' : `:${word(at(port, 'nodePort'))}`}/${word(at(port, 'protocol'))}`).join(',')],
  ],
  'configmaps': [data],
  'secrets': [['TYPE', (object) => word(object['type'])], data],
  'namespaces': [phase],
  'nodes': [['READY', (object) => word(at(list(at(object, 'status', 'conditions')).find((one) => at(one, 'type') === 'Ready'), 'status'))], ['VERSION', (object) => word(at(object, 'status', 'nodeInfo', 'kubeletVersion'))]],
  'persistentvolumes': [phase, ['CAPACITY', (object) => word(at(object, 'spec', 'capacity', 'storage'))], ['CLAIM', (object) => [at(object, 'spec', 'claimRef', 'namespace'), at(object, 'spec', 'claimRef', 'name')].map(word).filter(Boolean).join('/')], ['CLASS', (object) => word(at(object, 'spec', 'storageClassName'))]],
  'persistentvolumeclaims': [phase, ['VOLUME', (object) => word(at(object, 'spec', 'volumeName'))], ['CLASS', (object) => word(at(object, 'spec', 'storageClassName'))]],
  'jobs.batch': [['SUCCEEDED', (object) => `${word(at(object, 'status', 'succeeded')) || '0'}/${word(at(object, 'spec', 'completions'))}`], images],
  'cronjobs.batch': [['SCHEDULE', (object) => word(at(object, 'spec', 'schedule'))], ['SUSPEND', (object) => word(at(object, 'spec', 'suspend'))]],
  'ingresses.networking.k8s.io': [['CLASS', (object) => word(at(object, 'spec', 'ingressClassName'))], ['HOSTS', (object) => list(at(object, 'spec', 'rules')).map((one) => word(at(one, 'host')) || '*').join(',')]],
  'events': [['TYPE', (object) => word(object['type'])], ['REASON', (object) => word(object['reason'])], ['OBJECT', (object) => `${word(at(object, 'involvedObject', 'kind'))}/${word(at(object, 'involvedObject', 'name'))}`], ['MESSAGE', (object) => word(object['message'])]],
  'customresourcedefinitions.apiextensions.k8s.io': [['KIND', (object) => word(at(object, 'spec', 'names', 'kind'))], ['VERSIONS', (object) => list(at(object, 'spec', 'versions')).map((one) => word(at(one, 'name'))).join(',')]],
};

/** On one line, and not too long for one. */
function word(value: Json | undefined): string {
  const text = textOf(value).replaceAll(/[\s\x00-\x1f\x7f]+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function list(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

function keys(value: Json | undefined): number {
  return isObject(value) ? Object.keys(value).length : 0;
}
