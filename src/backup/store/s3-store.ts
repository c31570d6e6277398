import { readFile } from 'node:fs/promises';
import { Agent as PlainAgent } from 'node:http';
import { Agent } from 'node:https';
import type { S3 } from '@aws-sdk/client-s3';
import { KubekeepError } from '../../lib/errors.ts';
import { codeOf, statusOf, storeError } from './_s3-errors.ts';
import type { S3Place } from './s3-place.ts';
import type { Store } from './store.ts';

export interface S3Options {
  readonly signal: AbortSignal;
  /** ms without a byte in either direction; default 30 s. */
  readonly patience?: number;
}

/** ms */
const mostToConnect = 5000;
/** What the SDK would say of itself on standard error. */
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * A bucket, or a part of one. Who may use it is found as every program with the SDK of AWS does: in the environment, the files of `~/.aws`, the machine that it runs on. Nothing is tried twice:
 * what may pass rejects with `TemporaryStoreError`.
 */
export function s3Store(where: S3Place, { signal, patience = 30_000 }: S3Options): Store {
  const { bucket: Bucket, prefix } = where;
  const place = `s3://${Bucket}${prefix && `/${prefix.slice(0, -1)}`}`;
  let connected: Promise<S3> | undefined;
  const said = async <T>(what: string, work: (s3: S3, options: { readonly abortSignal: AbortSignal }) => Promise<T>): Promise<T> => {
    try {
      return await work(await (connected ??= connect(where, patience)), { abortSignal: signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof KubekeepError ? error : storeError(error, { what: `${what} in ${place}`, where });
    }
  };
  const object = (name: string) => ({ Bucket, Key: `${prefix}${name}` });
  return {
    place,
    // At once and never in parts, however large: radosgw of Debian 12 does not look at the condition of a multipart upload.
    create: (name, bytes) => said(`cannot write ${name}`, (s3, options) => s3.putObject({ ...object(name), Body: bytes, IfNoneMatch: '*' }, options).then(() => 'created' as const, taken)),
    overwrite: (name, bytes) => said(`cannot write ${name}`, async (s3, options) => void (await s3.putObject({ ...object(name), Body: bytes }, options))),
    read: (name) => said(`cannot read ${name}`, async (s3, options) => {
      const found = await s3.getObject(object(name), options).catch(absent);
      return found?.Body?.transformToByteArray();
    }),
    list: (under, after) => said(`cannot list ${under}`, async (s3, options) => {
      const names: string[] = [];
      for (let next: string | undefined, more = true; more; more = next !== undefined) {
        const page = await s3.listObjectsV2({ Bucket, Prefix: `${prefix}${under}`, StartAfter: after && `${prefix}${after}`, ContinuationToken: next }, options);
        for (const { Key } of page.Contents ?? []) names.push(Key!.slice(prefix.length));
        const last = next;
        next = page.IsTruncated ? page.NextContinuationToken : undefined;
        if (next !== undefined && next === last) throw new KubekeepError('store-failed', `cannot list ${under} in ${place}: the server gives one page again and again`);
      }
      return names.sort();
    }),
    remove: (name) => said(`cannot remove ${name}`, async (s3, options) => void (await s3.deleteObject(object(name), options).catch(absent))),
  };
}

/** Loaded when it is needed: it takes longer than all the rest of the program. */
async function connect({ endpoint, region, ca, pathStyle }: S3Place, patience: number): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3');
  const trusted = ca && (await readFile(ca, 'utf8').catch((error: Error) => {
    throw new KubekeepError('file-missing', `spec.backup.s3.ca cannot be read: ${error.message}`, { cause: error });
  }));
  const known = endpoint === undefined ? region : (region ?? 'us-east-1');
  // Without a limit of sockets: the SDK takes the wait for one for a server that cannot be reached.
  const agent = { keepAlive: true };
  return new S3({
    ...(endpoint !== undefined && { endpoint }),
    ...(known !== undefined && { region: known }),
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    logger,
    requestHandler: { connectionTimeout: Math.min(mostToConnect, patience), socketTimeout: patience, logger, httpAgent: new PlainAgent(agent), httpsAgent: new Agent({ ...agent, ...(trusted && { ca: trusted }) }) },
    // It would wait for a round trip before each pack, on a connection of its own.
    expectContinueHeader: false,
    // Every object has a hash or a signature of its own.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

function taken(error: unknown): 'exists' {
  if (statusOf(error) === 412) return 'exists';
  throw error;
}

/** Only S3 knows that an object is missing: a proxy before it, or nothing at all where it should be, answers 404 too. */
function absent(error: unknown): undefined {
  if (statusOf(error) === 404 && codeOf(error) === 'NoSuchKey') return undefined;
  throw error;
}
