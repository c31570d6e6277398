import type { HostSpec } from '../cluster/cluster.ts';
import { x509 } from './_x509.ts';
import type { LeafVerdict } from './judge-leaf.ts';

/** What a kubelet asks for: who asked, as the API server knows it, and what the certificate is to say. */
export interface ServingRequest {
  readonly user: string;
  readonly groups: readonly string[];
  readonly usages: readonly string[];
  /** PEM of a PKCS#10 request. */
  readonly pem: string;
}

/** Whether a request is the one that the kubelet of this host makes for itself, with no name or address but the host's. `reason` continues "the request …". */
export function judgeServingRequest({ user, groups, usages, pem }: ServingRequest, { name, address }: Pick<HostSpec, 'name' | 'address'>): LeafVerdict {
  const node = `system:node:${name}`;
  const request = read(pem);
  if (!request) return no('cannot be read');
  if (user !== node || !groups.includes('system:nodes')) return no(`comes from ${user}, not from ${node}`);
  const subject = [request.subjectName.getField('CN').join('+'), request.subjectName.getField('O').join('+')];
  if (subject[0] !== node || subject[1] !== 'system:nodes') return no(`is for ${subject.join(' of ')}, not for ${node} of system:nodes`);
  const usage = usages.find((one) => !['digital signature', 'key encipherment', 'server auth'].includes(one));
  if (usage !== undefined || !usages.includes('server auth')) return no(`wants the uses ${usages.join(', ')}`);
  const names = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const other = names.find(({ type, value }) => !(type === 'dns' && value === name) && !(type === 'ip' && value === address));
  if (other) return no(`names ${other.value}, which is neither ${name} nor ${address}`);
  return names.length === 0 ? no('names nothing') : { ok: true };
}

function no(reason: string): LeafVerdict {
  return { ok: false, reason };
}

function read(pem: string): x509.Pkcs10CertificateRequest | undefined {
  try {
    return new x509.Pkcs10CertificateRequest(pem);
  } catch {
    return undefined;
  }
}
