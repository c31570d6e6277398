import { randomSerial, validity } from './_certificate-times.ts';
import { createKeyPair, ecdsa, importSigningKey, privateKeyPem } from './_key-pair.ts';
import { x509 } from './_x509.ts';
import type { Authority } from './authorities.ts';
import type { CertificateSpec, Usage } from './leaves.ts';
import type { Secret } from '../lib/secret.ts';

export interface IssuedLeaf {
  /** PEM, without the CA's certificate. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly privateKey: Secret;
}

export interface IssueOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Days of life; default 365. Never longer than the CA lives. */
  readonly days?: number;
}

/** A new key and its certificate as `spec` wants it, signed by `authority`, which must be the one that the spec names. */
export async function issueLeaf(spec: CertificateSpec, authority: Authority, { now, days = 365 }: IssueOptions): Promise<IssuedLeaf> {
  if (spec.authority !== authority.name) throw new Error(`certificate ${spec.name} belongs to CA ${spec.authority}, not to ${authority.name}`);
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await createKeyPair();
  const { notBefore, notAfter } = validity(now, days);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomSerial(),
    subject: [...(spec.organizations.length > 0 ? [{ O: [...spec.organizations] }] : []), { CN: [spec.commonName] }],
    issuer: issuer.subjectName,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(authority.privateKey),
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      // An EC key only signs; key encipherment is for RSA.
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(spec.usages.map((usage) => usageOids[usage])),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...alternativeNames(spec),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, privateKey: await privateKeyPem(keys.privateKey) };
}

/** The names of the extended key usages on the wire. */
export const usageOids: Readonly<Record<Usage, string>> = { server: x509.ExtendedKeyUsage.serverAuth, client: x509.ExtendedKeyUsage.clientAuth };

function alternativeNames(spec: CertificateSpec): x509.Extension[] {
  const names = [
    ...spec.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...spec.addresses.map((value) => ({ type: 'ip' as const, value })),
  ];
  return names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [];
}
