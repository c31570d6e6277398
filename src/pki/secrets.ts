import { createPublicKey } from 'node:crypto';
import { authorityNames, clusterId, createAuthority } from './authorities.ts';
import type { Authority, AuthorityName } from './authorities.ts';
import { x509 } from './_x509.ts';
import { Secret } from '../lib/secret.ts';

/** Everything secret that makes a cluster this cluster; kept sealed, never on a host in the clear except where a program needs one of it. */
export interface ClusterSecrets {
  /** Fingerprint of the kubernetes CA. */
  readonly clusterId: string;
  readonly authorities: Readonly<Record<AuthorityName, Authority>>;
  /** RSA 2048, PKCS#8 PEM: signs service-account tokens. */
  readonly serviceAccountKey: Secret;
  /** 32 bytes in base64: secretbox key for Secrets at rest. */
  readonly encryptionKey: Secret;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** The part that may be shown and compared: certificates only. */
export type PublicAuthorities = Readonly<Record<AuthorityName, Pick<Authority, 'name' | 'certificate'>>>;

/** New CAs and keys for a new cluster; `now` in ms since the epoch. */
export async function createSecrets(clusterName: string, now: number): Promise<ClusterSecrets> {
  const made = await Promise.all(authorityNames.map(async (name) => [name, await createAuthority(name, clusterName, now)] as const));
  const authorities = Object.fromEntries(made) as Record<AuthorityName, Authority>;
  return {
    clusterId: clusterId(authorities.kubernetes.certificate),
    authorities,
    serviceAccountKey: await createServiceAccountKey(),
    encryptionKey: new Secret(Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')),
    createdAt: new Date(now).toISOString(),
  };
}

export function publicAuthorities({ authorities }: ClusterSecrets): PublicAuthorities {
  const entries = authorityNames.map((name) => [name, { name, certificate: authorities[name].certificate }] as const);
  return Object.fromEntries(entries) as unknown as PublicAuthorities;
}

/** The public half, PEM, which API servers check tokens with. */
export function servicePublicKey({ serviceAccountKey }: Pick<ClusterSecrets, 'serviceAccountKey'>): string {
  return createPublicKey(serviceAccountKey.reveal()).export({ type: 'spki', format: 'pem' }).toString();
}

/** A new RSA key, PKCS#8 PEM. */
export async function createServiceAccountKey(): Promise<Secret> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  return new Secret(`${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`);
}
