import { X509Certificate } from 'node:crypto';
import { randomSerial, validity } from './_certificate-times.ts';
import { createKeyPair, ecdsa, privateKeyPem } from './_key-pair.ts';
import { x509 } from './_x509.ts';
import type { Secret } from '../lib/secret.ts';

/**
 * The CAs of a cluster. `kubernetes-signing` is the only one whose key lies on hosts: kube-controller-manager signs kubelets' certificates
 * with it. `etcd-peer` is apart from `etcd`, so that no client certificate opens the peer port.
 */
export const authorityNames = ['kubernetes', 'kubernetes-signing', 'etcd', 'etcd-peer', 'front-proxy'] as const;
export type AuthorityName = (typeof authorityNames)[number];

export interface Authority {
  readonly name: AuthorityName;
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly privateKey: Secret;
}

const lifeInDays = 3650;

/** A new self-signed CA, valid for ten years from `now` (ms since the epoch). It may issue leaves, not further CAs. */
export async function createAuthority(name: AuthorityName, clusterName: string, now: number): Promise<Authority> {
  const keys = await createKeyPair();
  const flags = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: [{ O: [clusterName] }, { CN: [name] }],
    ...validity(now, lifeInDays),
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(flags.keyCertSign | flags.cRLSign | flags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { name, certificate: `${certificate.toString('pem')}\n`, privateKey: await privateKeyPem(keys.privateKey) };
}

/** What tells one cluster from another: SHA-256 of the kubernetes CA's certificate, 64 hex digits. */
export function clusterId(kubernetesCa: string): string {
  return new X509Certificate(kubernetesCa).fingerprint256.replaceAll(':', '').toLowerCase();
}
