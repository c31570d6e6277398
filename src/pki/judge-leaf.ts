import { createPublicKey, X509Certificate } from 'node:crypto';
import { x509 } from './_x509.ts';
import { usageOids } from './issue.ts';
import type { CertificateSpec } from './leaves.ts';

/** `reason` continues the sentence "the certificate …". */
export type LeafVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Whether the certificate found on a host is the one that the spec wants: issued by this CA, in time, with exactly these names and uses,
 * and not yet past two thirds of its life. `now` in ms since the epoch.
 */
export function judgeLeaf(certificate: string | undefined, spec: CertificateSpec, authorityCertificate: string, now: number): LeafVerdict {
  if (certificate === undefined) return { ok: false, reason: 'is missing' };
  const leaf = read(certificate);
  if (!leaf) return { ok: false, reason: 'cannot be read' };
  const reason =
    issuedByAnother(certificate, authorityCertificate) ??
    outOfTime(leaf, now) ??
    wrongSubject(leaf, spec) ??
    wrongUses(leaf, spec) ??
    wrongNames(leaf, spec) ??
    dueForRenewal(leaf, now);
  return reason === undefined ? { ok: true } : { ok: false, reason };
}

/** Whole days until the certificate expires; negative once it has. */
export function daysLeft(certificate: string, now: number): number {
  return Math.floor((new X509Certificate(certificate).validToDate.getTime() - now) / 86_400_000);
}

/** When `apply` renews a certificate: two thirds into its life, ms since the epoch. */
export function renewalTime(certificate: string): number {
  return renewal(new x509.X509Certificate(certificate));
}

function read(certificate: string): x509.X509Certificate | undefined {
  try {
    return new x509.X509Certificate(certificate);
  } catch {
    return undefined;
  }
}

function issuedByAnother(certificate: string, authorityCertificate: string): string | undefined {
  const signed = new X509Certificate(certificate).verify(createPublicKey(authorityCertificate));
  return signed ? undefined : 'was issued by another CA';
}

function outOfTime(leaf: x509.X509Certificate, now: number): string | undefined {
  if (now > leaf.notAfter.getTime()) return `expired on ${date(leaf.notAfter)}`;
  if (now < leaf.notBefore.getTime()) return `is not valid before ${leaf.notBefore.toISOString()}`;
  return undefined;
}

function wrongSubject(leaf: x509.X509Certificate, spec: CertificateSpec): string | undefined {
  const commonName = leaf.subjectName.getField('CN').join('+');
  if (commonName !== spec.commonName) return `is for CN ${commonName || '(none)'}, not ${spec.commonName}`;
  const [found, wanted] = [leaf.subjectName.getField('O'), spec.organizations];
  return difference(found, wanted, 'the group');
}

function wrongUses(leaf: x509.X509Certificate, spec: CertificateSpec): string | undefined {
  if (leaf.getExtension(x509.BasicConstraintsExtension)?.ca) return 'is a CA certificate';
  const found: string[] = [...(leaf.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [])].map((usage) => words(String(usage)));
  return difference(found, spec.usages, 'the use as');
}

function words(oid: string): string {
  return Object.entries(usageOids).find(([, value]) => value === oid)?.[0] ?? oid;
}

function wrongNames(leaf: x509.X509Certificate, spec: CertificateSpec): string | undefined {
  const names = leaf.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return difference(
    names.map(({ value }) => value),
    [...spec.dnsNames, ...spec.addresses],
    'the name',
  );
}

/** "lacks the name a and the name b", "has the name c that is no longer wanted". */
function difference(found: readonly string[], wanted: readonly string[], what: string): string | undefined {
  const list = (values: readonly string[]) => values.map((value) => `${what} ${value}`).join(' and ');
  const missing = wanted.filter((value) => !found.includes(value));
  if (missing.length > 0) return `lacks ${list(missing)}`;
  const extra = found.filter((value) => !wanted.includes(value));
  return extra.length > 0 ? `has ${list(extra)}, which is not wanted` : undefined;
}

function dueForRenewal(leaf: x509.X509Certificate, now: number): string | undefined {
  const renews = renewal(leaf);
  return now >= renews ? `is past two thirds of its life (renews from ${date(new Date(renews))}, expires on ${date(leaf.notAfter)})` : undefined;
}

/** When `apply` renews a certificate: two thirds into its life, ms since the epoch. */
function renewal(leaf: x509.X509Certificate): number {
  return leaf.notBefore.getTime() + ((leaf.notAfter.getTime() - leaf.notBefore.getTime()) * 2) / 3;
}

function date(time: Date): string {
  return time.toISOString().slice(0, 10);
}
