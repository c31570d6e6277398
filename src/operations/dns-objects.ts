import { parseAllDocuments } from 'yaml';
import { resourceCalled } from '../objects/find-resource.ts';
import { contentHash } from './plan/judge-component.ts';
import { corefileAnnotation, dnsAnnotation } from './read-dns.ts';

export interface PlacedObject {
  /** Of the API. */
  readonly path: string;
  readonly object: KubernetesObject;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: object;
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * The objects of CoreDNS from what `kubeadm init phase addon coredns --print-manifest` prints, with notes of what they were made with. The Service is first: where
 * its address is somebody else's, nothing else is made; the Deployment last, with so many `replicas`.
 */
export function dnsObjects(manifests: string, { told, replicas }: { readonly told: string; readonly replicas: number }): readonly PlacedObject[] {
  const objects = parseAllDocuments(manifests).map((document) => document.toJS() as KubernetesObject | null).filter((object) => object !== null);
  return objects
    .map((object) => ({ path: pathOf(object), object: noted(object, { told, replicas }) }))
    .sort((a, b) => rank(a.object) - rank(b.object));
}

/** Tells whether a ConfigMap still has what kubekeep wrote. */
export function corefileHash({ data }: Pick<KubernetesObject, 'data'>): string {
  return contentHash(JSON.stringify(Object.entries(data ?? {}).sort()));
}

function rank({ kind }: KubernetesObject): number {
  return kind === 'Service' ? 0 : kind === 'Deployment' ? 2 : 1;
}

function pathOf({ apiVersion, kind, metadata: { name, namespace } }: KubernetesObject): string {
  const { resource } = resourceCalled(kind)!;
  return `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${resource}/${name}`;
}

function noted(object: KubernetesObject, { told, replicas }: { readonly told: string; readonly replicas: number }): KubernetesObject {
  const annotations = { ...object.metadata.annotations, [dnsAnnotation]: told, ...(object.kind === 'ConfigMap' && { [corefileAnnotation]: corefileHash(object) }) };
  return { ...object, metadata: { ...object.metadata, annotations }, ...(object.kind === 'Deployment' && { spec: { ...object.spec, replicas } }) };
}
