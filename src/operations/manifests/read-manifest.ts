import { parseAllDocuments } from 'yaml';
import { KubekeepError } from '../../lib/errors.ts';
import { at, isList, isObject, type Json, type JsonObject } from '../../objects/json.ts';

/** Objects of a file that somebody else wrote, in its order. */
export interface Manifest {
  readonly file: string;
  readonly objects: readonly ManifestObject[];
}

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly object: JsonObject;
}

/** The objects of YAML or JSON documents; those of Lists one by one. Throws `usage`, with file and place, where something in it is none, or is there twice. */
export function readManifest(file: string, text: string): Manifest {
  const objects = parseAllDocuments(text).flatMap((document, position) => {
    const [error] = document.errors;
    if (error) throw refused(file, `${error.message.split('\n')[0]!.replace(/:$/, '')}`);
    return flatten(document.toJS() as Json, file, `document ${position + 1}`);
  });
  if (objects.length === 0) throw refused(file, 'there is no object in it');
  const seen = new Set<string>();
  for (const one of objects) {
    const key = `${one.apiVersion.split('/').slice(0, -1).join('')} ${calledInFile(one)}`;
    if (seen.has(key)) throw refused(file, `${calledInFile(one)} is in it twice`);
    seen.add(key);
  }
  return { file, objects };
}

/** "DaemonSet kube-system/cilium". */
export function calledInFile({ kind, name, namespace }: Pick<ManifestObject, 'kind' | 'name' | 'namespace'>): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function flatten(value: Json | undefined, file: string, place: string): readonly ManifestObject[] {
  // An empty document, as after the last line of three dashes.
  if (value === null || value === undefined) return [];
  if (!isObject(value)) throw refused(file, `${place} is no object of Kubernetes`);
  const { apiVersion, kind, items } = value;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') throw refused(file, `${place} has no apiVersion or no kind`);
  if (kind.endsWith('List') && isList(items)) return items.flatMap((item, position) => flatten(item, file, `${place}, item ${position + 1}`));
  const [name, namespace] = [at(value, 'metadata', 'name'), at(value, 'metadata', 'namespace')];
  if (typeof name !== 'string' || name === '') throw refused(file, `${place}, a ${kind}, has no metadata.name`);
  return [{ apiVersion, kind, name, namespace: typeof namespace === 'string' ? namespace : undefined, object: value }];
}

function refused(file: string, why: string): KubekeepError {
  return new KubekeepError('usage', `${file} is no manifest: ${why}`, { hint: 'It has to be what kubectl apply takes: documents of Kubernetes objects in YAML or JSON. Nothing was changed.' });
}
