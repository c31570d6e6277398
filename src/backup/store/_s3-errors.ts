import { KubekeepError } from '../../lib/errors.ts';
import type { S3Place } from './s3-place.ts';
import { TemporaryStoreError } from './temporary-store-error.ts';

/** The status of an answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  return (error as Failure | undefined)?.$metadata?.httpStatusCode;
}

/** What S3 or the network calls it. */
export function codeOf(error: unknown): string {
  const { name = '', code } = (error ?? {}) as Failure;
  return typeof code === 'string' && statusOf(error) === undefined ? code : name;
}

/** One sentence of what the SDK threw. Its own words are left out: they may repeat what was sent, a session's token too. */
export function storeError(error: unknown, { what, where }: { readonly what: string; readonly where: S3Place }): KubekeepError {
  const failure: Seen = { code: codeOf(error), status: statusOf(error), message: error instanceof Error ? error.message : '', region: regionOf(error as Failure), where, at: where.endpoint ?? 'S3' };
  const { says, hint, passes } = reasons.find(({ when }) => when(failure)) ?? unknown;
  const message = `${what}: ${says(failure)}`;
  return passes ? new TemporaryStoreError(message, { hint }) : new KubekeepError('store-failed', message, { hint });
}

interface Failure {
  readonly name?: string;
  readonly code?: unknown;
  readonly message?: string;
  readonly Region?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

interface Seen {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
  /** The one that S3 says it should be. */
  readonly region: string | undefined;
  readonly where: S3Place;
  readonly at: string;
}

interface Reason {
  readonly when: (seen: Seen) => boolean;
  readonly says: (seen: Seen) => string;
  readonly hint?: string;
  /** May be gone when it is tried again. */
  readonly passes?: true;
}

const coded = (...codes: readonly string[]) => ({ code }: Seen) => codes.includes(code);
const elsewhere = coded('PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException');
const disturbed = coded('ConditionalRequestConflict', 'OperationAborted', 'RequestTimeout', 'SlowDown');
const cut = coded('ECONNRESET', 'EPIPE', 'ECONNABORTED');
const credentialsHint = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws/credentials with AWS_PROFILE.';
const rightsHint = 'The bucket\'s policy must allow s3:ListBucket, and s3:GetObject, s3:PutObject and s3:DeleteObject below the prefix: docs/guides/backups.md has one. Without s3:ListBucket, S3 says this also of an object that is not there.';

/** The first that fits. */
const reasons: readonly Reason[] = [
  { when: coded('CredentialsProviderError'), says: () => 'there are no credentials for S3', hint: credentialsHint },
  {
    when: ({ status, message }) => status === undefined && message.startsWith('Region is missing'),
    says: () => 'it is not said in which region the bucket is',
    hint: 'Set spec.backup.s3.region in the cluster file, or AWS_REGION.',
  },
  { when: coded('InvalidAccessKeyId'), says: ({ at }) => `${at} does not know the access key`, hint: credentialsHint },
  { when: coded('SignatureDoesNotMatch'), says: ({ at }) => `${at} does not accept the secret key`, hint: `It does not belong to the access key. ${credentialsHint}` },
  {
    when: coded('ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken'),
    says: ({ at }) => `${at} says that the session's token has expired or is not valid`,
    hint: 'Get new credentials. What runs for long should have those of a machine or of a profile, which are renewed.',
  },
  // The SDK corrects its clock by this answer.
  { when: coded('RequestTimeTooSkewed'), says: ({ at }) => `the clocks of this computer and of ${at} differ by more than S3 allows`, hint: 'Set the clock of this computer: timedatectl set-ntp true.', passes: true },
  { when: coded('NoSuchBucket'), says: ({ at, where }) => `${at} has no bucket ${where.bucket}`, hint: 'Make it, or correct spec.backup.repository in the cluster file.' },
  {
    when: (seen) => seen.status === 301 || seen.status === 307 || elsewhere(seen),
    says: ({ where, region }) => `bucket ${where.bucket} is in ${region ?? 'another region'}`,
    hint: 'Correct spec.backup.s3.region, or spec.backup.s3.endpoint, in the cluster file.',
  },
  { when: ({ status }) => status === 403 || status === 401, says: ({ at, code }) => `${at} does not allow it (${word(code)})`, hint: rightsHint },
  {
    when: ({ status }) => status === 501,
    says: ({ at }) => `${at} does not know the condition If-None-Match, so two writers would lose each other's entries`,
    hint: 'Use a folder, or an S3 server that obeys If-None-Match.',
  },
  { when: (seen) => (seen.status ?? 0) >= 500 || seen.status === 429 || seen.status === 408 || disturbed(seen), says: ({ at, code, status }) => `${at} is busy or disturbed (${status} ${word(code)})`, passes: true },
  { when: ({ status }) => status === 404, says: ({ at }) => `${at} answers 404, and not as an S3 server does`, hint: 'Is spec.backup.s3.endpoint in the cluster file an S3 server? A proxy in front of one answers so while that is away.', passes: true },
  { when: ({ status }) => status !== undefined, says: ({ at, code, status }) => `${at} refuses it (${status} ${word(code)})`, hint: 'Is spec.backup.s3.endpoint in the cluster file an S3 server?' },
  { when: coded('ENOTFOUND', 'EAI_AGAIN'), says: ({ at }) => `the name of ${at} is not known`, hint: 'Correct spec.backup.s3.endpoint or region in the cluster file; or this computer has no DNS.', passes: true },
  {
    when: coded('ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'),
    says: ({ at, code }) => `${at} cannot be reached (${code})`,
    hint: 'Does it run, and is spec.backup.s3.endpoint in the cluster file right?',
    passes: true,
  },
  { when: coded('TimeoutError', 'ETIMEDOUT'), says: ({ at }) => `${at} does not answer`, hint: 'Can this computer reach it?', passes: true },
  { when: coded('ERR_TLS_CERT_ALTNAME_INVALID'), says: ({ at }) => `the certificate of ${at} is for other names`, hint: 'Name the endpoint in spec.backup.s3.endpoint as its certificate does.' },
  {
    when: ({ code }) => code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID',
    says: ({ at, code }) => `the certificate of ${at} ${code === 'CERT_HAS_EXPIRED' ? 'has expired' : 'is not valid yet'}`,
    hint: 'Renew it, or set the clock of this computer.',
  },
  {
    when: ({ code }) => /CERT|ISSUER|SIGNATURE/.test(code),
    says: ({ at, code }) => `the certificate of ${at} does not come from an authority that is trusted (${code})`,
    hint: 'Name the file with the certificate of the authority in spec.backup.s3.ca.',
  },
  {
    when: ({ code, message }) => code === 'EPROTO' || code.startsWith('ERR_SSL') || /wrong version number|Parse Error/.test(message),
    says: ({ at }) => `${at} does not speak ${at.startsWith('http:') ? 'HTTP' : 'TLS'} there`,
    hint: 'Correct spec.backup.s3.endpoint in the cluster file.',
  },
  { when: (seen) => cut(seen) || /socket hang up|aborted|premature/i.test(seen.message), says: ({ at }) => `${at} closed the connection`, passes: true },
];

const unknown: Reason = { when: () => true, says: ({ at, code }) => `${at} cannot be used (${word(code)})` };

/** Only what S3 and Node really use as codes. */
function word(code: string): string {
  return /^[A-Za-z0-9_]{1,60}$/.test(code) ? code : 'unknown error';
}

function regionOf({ Region, $response }: Failure = {}): string | undefined {
  return [Region, $response?.headers?.['x-amz-bucket-region']].find((one): one is string => typeof one === 'string' && /^[a-z0-9-]{1,40}$/.test(one));
}
