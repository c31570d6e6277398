import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { webcrypto } from 'node:crypto';
import { x509 } from './_x509.ts';
import { Secret } from '../lib/secret.ts';

export const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A new ECDSA P-256 key pair. */
export async function createKeyPair(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey({ name: ecdsa.name, namedCurve: ecdsa.namedCurve }, true, ['sign', 'verify']);
}

/** PKCS#8 PEM, as every program of the control plane reads it. */
export async function privateKeyPem(key: webcrypto.CryptoKey): Promise<Secret> {
  const der = await crypto.subtle.exportKey('pkcs8', key);
  return new Secret(`${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n`);
}

/** The CA's key, for signing. */
export async function importSigningKey(pem: Secret): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem.reveal()).export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), { name: ecdsa.name, namedCurve: ecdsa.namedCurve }, false, ['sign']);
}

/** Public key of a private key or of a certificate: SubjectPublicKeyInfo PEM. */
export function publicKeyPem(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}
