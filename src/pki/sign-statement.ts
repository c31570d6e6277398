import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { Authority } from './authorities.ts';

/**
 * A statement of whoever has a CA's key, for one purpose: ECDSA with SHA-256 over the purpose's name, a line feed and the text, in base64. A certificate, which the
 * same key signs, is DER and begins with the byte 0x30, and names of purposes begin with "kubekeep.": neither signature can be taken for the other's.
 */
export function signStatement(purpose: Purpose, text: string, { privateKey }: Pick<Authority, 'privateKey'>): string {
  return sign('sha256', toBeSigned(purpose, text), createPrivateKey(privateKey.reveal())).toString('base64');
}

/** Whether `signature` is what `signStatement` makes of this purpose and text with the key of the CA whose certificate this is (PEM). */
export function isSignedBy(certificate: string, purpose: Purpose, text: string, signature: string): boolean {
  return verify('sha256', toBeSigned(purpose, text), createPublicKey(certificate), Buffer.from(signature, 'base64'));
}

export type Purpose = `kubekeep.${string}`;

function toBeSigned(purpose: Purpose, text: string): Buffer {
  return Buffer.from(`${purpose}\n${text}`);
}
