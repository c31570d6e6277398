import { status } from '@grpc/grpc-js';
import { KubekeepError } from '../../lib/errors.ts';

/** Why etcd did not do it, as far as somebody may want to act on it. After `timed-out`, `unreachable` and `no-leader` a change may have happened all the same. */
export const etcdReasons = [
  'unreachable',
  'untrusted',
  'timed-out',
  'no-leader',
  'not-leader',
  'learner-not-ready',
  'learner-exists',
  'member-missing',
  'peer-url-taken',
  'quorum-at-risk',
  'compacted',
  'future',
  'lease-exists',
  'no-space',
  'refused',
] as const;
export type EtcdReason = (typeof etcdReasons)[number];

/** An answer of etcd that is an error, or none at all; code `etcd-failed`. */
export class EtcdError extends KubekeepError {
  readonly reason: EtcdReason;

  constructor(reason: EtcdReason, message: string, cause?: unknown) {
    super('etcd-failed', message, { cause });
    this.reason = reason;
  }
}

/** The part of gRPC's error that is looked at. */
export interface GrpcFailure {
  readonly code?: number | undefined;
  readonly details?: string | undefined;
}

/** Turns gRPC's error into ours: "etcd on cp1: status: …". */
export function toEtcdError(server: string, call: string, failure: GrpcFailure): EtcdError {
  const reason = reasonOf(failure);
  const why = reason === 'timed-out' ? 'no answer in time' : wordsOf(failure.details ?? '');
  return new EtcdError(reason, `etcd on ${server}: ${call}: ${why}`, failure);
}

function reasonOf({ code, details = '' }: GrpcFailure): EtcdReason {
  const known = byDetails.find(([text]) => details.includes(text));
  if (known) return known[1];
  if (distrust.some(([pattern]) => pattern.test(details))) return 'untrusted';
  // Only our own deadline cancels a call.
  if (code === status.CANCELLED || code === status.DEADLINE_EXCEEDED) return 'timed-out';
  return code === status.UNAVAILABLE ? 'unreachable' : 'refused';
}

function wordsOf(details: string): string {
  const [, sentence] = distrust.find(([pattern]) => pattern.test(details)) ?? [];
  return sentence ?? (details.replace(/^etcdserver: |^No connection established\. Last error: (Error: )?/, '').replace(/\.? Resolution note: *$/, '') || 'no details');
}

/** How OpenSSL and Node word that one side does not trust the other. */
const distrust: readonly (readonly [RegExp, string])[] = [
  [/ERR_TLS_CERT_ALTNAME_INVALID/, 'its certificate is for another name'],
  [/certificate has expired/, 'its certificate has expired'],
  [/certificate is not yet valid/, 'its certificate is not valid yet, or a clock is wrong'],
  [/unable to verify the first certificate|unable to get (local )?issuer|self.signed certificate/, 'its certificate is not from the CA of this cluster\'s etcd'],
  [/wrong version number/, 'it does not speak TLS'],
  [/alert (unknown ca|bad certificate|certificate (expired|required|unknown))/, 'it does not accept our certificate'],
];

/** etcd's own sentences: api/v3rpc/rpctypes/error.go. */
const byDetails: readonly (readonly [string, EtcdReason])[] = [
  ['etcdserver: no leader', 'no-leader'],
  ['etcdserver: leader changed', 'no-leader'],
  ['etcdserver: request timed out', 'timed-out'],
  ['etcdserver: not leader', 'not-leader'],
  ['in sync with leader', 'learner-not-ready'],
  ['too many learner members', 'learner-exists'],
  ['member not found', 'member-missing'],
  ['Peer URLs already exists', 'peer-url-taken'],
  // The same URL within one second: etcd makes the id of the URL and the second.
  ['member ID already exist', 'peer-url-taken'],
  ['unhealthy cluster', 'quorum-at-risk'],
  ['not enough started members', 'quorum-at-risk'],
  ['required revision has been compacted', 'compacted'],
  ['required revision is a future revision', 'future'],
  ['lease already exists', 'lease-exists'],
  ['database space exceeded', 'no-space'],
];
