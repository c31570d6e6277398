import 'reflect-metadata';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { ApiClient } from '../../src/clients/kubernetes/connect-api.ts';
import { ApiError } from '../../src/clients/kubernetes/api-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createAuthority } from '../../src/pki/authorities.ts';

/** One version of a resource that an API server serves. */
export interface ServedVersion {
  readonly group: string;
  readonly version: string;
  /** Plural, without sub-resources. */
  readonly name: string;
  readonly singularName: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly verbs: readonly string[];
  /** Of the list of all namespaces. */
  readonly path: string;
}

/** An object of Kubernetes as its JSON. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Creates what every-kind.yaml has, and gives what the API server says of each, what it refused and why, and all that it serves. */
export async function everyKind(api: ApiClient): Promise<{ readonly made: readonly ApiObject[]; readonly refused: readonly string[]; readonly resources: readonly ServedVersion[] }> {
  const text = readFileSync(new URL('every-kind.yaml', import.meta.url), 'utf8').replace('CERTIFICATE_REQUEST', await certificateRequest()).replace('ROOT_CERTIFICATE', JSON.stringify((await createAuthority('kubernetes', 'prod', Date.now())).certificate));
  const made: ApiObject[] = [];
  const refused: string[] = [];
  let resources = await served(api);
  for (const document of parseAllDocuments(text)) {
    const wanted = document.toJS() as ApiObject;
    const path = () => pathOf(wanted, resources);
    try {
      const end = performance.now() + 30_000;
      while (path() === undefined && performance.now() < end) {
        await systemClock.sleep(100);
        resources = await served(api);
      }
      const created = await api.post<ApiObject>(path() ?? `/no/${wanted.kind}`, wanted);
      // What a controller or a kubelet would write.
      if (wanted['status']) await api.patch(`${path()}/${created.metadata.name}/status`, { status: wanted['status'] });
      made.push(created);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refused.push(`${wanted.kind} ${wanted.metadata.name}: ${error.message}`);
    }
  }
  return { made, refused, resources };
}

/** The path of the list that an object belongs to; undefined where it is not served. */
function pathOf({ apiVersion, kind, metadata: { namespace } }: ApiObject, resources: readonly ServedVersion[]): string | undefined {
  const found = resources.find((one) => apiVersionOf(one) === apiVersion && one.kind === kind && one.verbs.includes('create') && one.verbs.includes('list'));
  return found && (found.namespaced ? found.path.replace(/[^/]+$/, `namespaces/${namespace ?? 'default'}/$&`) : found.path);
}

export function apiVersionOf({ group, version }: Pick<ServedVersion, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}

async function served(api: ApiClient): Promise<readonly ServedVersion[]> {
  const { groups } = await api.get<{ readonly groups: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[] }>('/apis');
  const versions = [{ group: '', version: 'v1' }, ...groups.flatMap(({ name, versions: all }) => all.map(({ version }) => ({ group: name, version })))];
  const found = await Promise.all(versions.map(async ({ group, version }) => {
    const folder = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const { resources } = await api.get<{ readonly resources: readonly ServedVersion[] }>(folder).catch(() => ({ resources: [] }));
    return resources.filter(({ name }) => !name.includes('/')).map((one) => ({ ...one, group, version, path: `${folder}/${one.name}` }));
  }));
  return found.flat();
}

/** PEM in base64, as a CertificateSigningRequest has it. */
async function certificateRequest(): Promise<string> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=someone', keys, signingAlgorithm }, webcrypto);
  return Buffer.from(request.toString('pem')).toString('base64');
}
