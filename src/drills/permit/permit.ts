import * as z from 'zod';
import type { Authority } from '../../pki/authorities.ts';
import { signStatement } from '../../pki/sign-statement.ts';

/** What may be broken outside a lab, for how long, and who says so. */
export interface DrillPermit {
  readonly format: typeof permitFormat;
  /** Fingerprint of the cluster's Kubernetes CA, whose key signs. */
  readonly clusterId: string;
  /** For people; the id decides. */
  readonly cluster: string;
  /** Ids of faults. */
  readonly faults: readonly string[];
  /** RFC 3339, UTC; so is `expires`. */
  readonly notBefore: string;
  readonly expires: string;
  /** Who signed it, by the name of the account. */
  readonly who: string;
}

export interface SignedPermit {
  readonly permit: DrillPermit;
  /** Base64. */
  readonly signature: string;
}

/** Also the purpose that the signature is for. */
export const permitFormat = 'kubekeep.drill-permit/v1';

/** Hours from `notBefore` to `expires`: a permit is for an occasion. */
export const longestLife = 24;

const text = z.string().min(1).max(256);

/** @internal the form of a permit's file */
export const signedPermit = z.strictObject({
  permit: z.strictObject({
    format: z.literal(permitFormat),
    clusterId: z.string().regex(/^[0-9a-f]{64}$/),
    cluster: text,
    faults: z.array(text).min(1).max(100),
    notBefore: z.iso.datetime(),
    expires: z.iso.datetime(),
    who: text,
  }),
  signature: z.base64().max(256),
});

/** Signs a permit with the key of the cluster's Kubernetes CA, which nobody has without the operator's identity: it is on no host. */
export function signPermit(permit: DrillPermit, kubernetesCa: Pick<Authority, 'privateKey'>): SignedPermit {
  return { permit, signature: signStatement(permitFormat, wordsOf(permit), kubernetesCa) };
}

/** The fields in a fixed order, so that what is signed does not depend on how the file is written. */
export function wordsOf({ clusterId, cluster, faults, notBefore, expires, who }: DrillPermit): string {
  return JSON.stringify([clusterId, cluster, faults, notBefore, expires, who]);
}
