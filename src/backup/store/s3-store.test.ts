import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { createAuthority, type Authority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { freePorts } from '../../../test/support/free-ports.ts';
import type { S3Place } from './s3-place.ts';
import { s3Store } from './s3-store.ts';
import { TemporaryStoreError } from './temporary-store-error.ts';

const canaries = { AWS_ACCESS_KEY_ID: 'canary-id-91c3', AWS_SECRET_ACCESS_KEY: 'canary-key-91c3', AWS_SESSION_TOKEN: 'canary-token-91c3' };
const aside = ['AWS_PROFILE', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'];

/** What a server says; it repeats what it was sent, as a bad one may. */
type Answer = (response: ServerResponse) => void;
const says = (status: number, code: string, { headers = {}, more = '' }: { readonly headers?: Readonly<Record<string, string>>; readonly more?: string } = {}): Answer =>
  (response) => void response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${Object.values(canaries).join(' ')}</Message>${more}</Error>`);

const refusals: readonly (readonly [answer: Answer, message: RegExp, hint: RegExp | undefined, passes?: 'passes'])[] = [
  [says(403, 'InvalidAccessKeyId'), /does not know the access key$/, /AWS_ACCESS_KEY_ID/],
  [says(403, 'SignatureDoesNotMatch'), /does not accept the secret key$/, /AWS_PROFILE/],
  [says(403, 'AccessDenied'), /does not allow it \(AccessDenied\)$/, /s3:ListBucket/],
  [says(400, 'ExpiredToken'), /session's token has expired/, /new credentials/],
  [says(403, 'RequestTimeTooSkewed'), /clocks of this computer and of http:.* differ/, /timedatectl/, 'passes'],
  [says(404, 'NoSuchBucket'), /has no bucket backups$/, /spec\.backup\.repository/],
  [says(301, 'PermanentRedirect', { headers: { 'x-amz-bucket-region': 'eu-central-1' } }), /bucket backups is in eu-central-1$/, /spec\.backup\.s3\.region/],
  [says(400, 'AuthorizationHeaderMalformed', { more: '<Region>eu-west-3</Region>' }), /bucket backups is in eu-west-3$/, /spec\.backup\.s3\.region/],
  [says(501, 'NotImplemented'), /does not know the condition If-None-Match/, /S3 server that obeys/],
  [says(503, 'SlowDown'), /is busy or disturbed \(503 SlowDown\)$/, undefined, 'passes'],
  [says(500, 'InternalError'), /busy or disturbed \(500 InternalError\)$/, undefined, 'passes'],
  [says(409, 'ConditionalRequestConflict'), /busy or disturbed \(409 ConditionalRequestConflict\)$/, undefined, 'passes'],
  [says(400, 'InvalidRequest'), /refuses it \(400 InvalidRequest\)$/, /an S3 server/],
  [says(400, 'canary token 91c3'), /refuses it \(400 unknown error\)$/, /an S3 server/],
  [(response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>no</html>'), /answers 404, and not as an S3 server does$/, /A proxy/, 'passes'],
  [(response) => void response.writeHead(404).end(), /answers 404, and not as an S3 server does$/, /A proxy/, 'passes'],
  [(response) => void response.writeHead(405, { 'content-type': 'text/html' }).end('<html>no</html>'), /refuses it \(405 /, /an S3 server/],
  [(response) => void response.destroy(), /closed the connection$/, undefined, 'passes'],
  [() => {}, /does not answer$/, /reach it/, 'passes'],
];

describe('a bucket that cannot be used', () => {
  let folder: string;
  let authority: Authority;
  let kept: NodeJS.ProcessEnv;
  const signal = new AbortController().signal;
  const store = (place: Partial<S3Place>) => s3Store({ bucket: 'backups', prefix: 'prod/', pathStyle: true, ...place }, { signal, patience: 400 });
  before(async () => {
    kept = { ...process.env };
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-s3-'));
    authority = await createAuthority('etcd', 's3', Date.now());
    await writeFile(join(folder, 'ca.pem'), authority.certificate);
    for (const name of aside) delete process.env[name];
    Object.assign(process.env, canaries, { AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: join(folder, 'none'), AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none') });
  });
  after(async () => {
    process.env = kept;
    await rm(folder, { recursive: true });
  });

  /** Every verb says the same, and nothing of what it had to keep to itself. */
  async function refuses(place: Partial<S3Place>, message: RegExp, hint: RegExp | undefined, temporary = false): Promise<void> {
    const verbs = { write: () => store(place).create('chain/1', Buffer.from('1')), read: () => store(place).read('chain/1'), list: () => store(place).list('chain/'), remove: () => store(place).remove('chain/1') };
    for (const [verb, run] of Object.entries(verbs)) {
      await assert.rejects(run(), (error: Error & { code: string; hint?: string }) => {
        assert.equal(error.code, 'store-failed');
        assert.match(error.message, new RegExp(`^cannot ${verb} chain/1? ?in s3://backups/prod: `));
        assert.match(error.message, message);
        if (hint) assert.match(error.hint!, hint);
        assert.equal(error instanceof TemporaryStoreError, temporary);
        assert.doesNotMatch(`${inspect(error, { depth: 20, showHidden: true })}${error.stack}`, /canary/);
        return true;
      });
    }
  }

  for (const [answer, message, hint, passes] of refusals) {
    it(`says in one sentence: ${message.source}`, async (t) => {
      const server = createServer((request, response) => {
        request.resume();
        answer(response);
      });
      await refuses({ endpoint: `http://127.0.0.1:${await listening(t, server)}` }, message, hint, passes !== undefined);
    });
  }

  it('says so where nobody listens, where there is no such name, and where there is no TLS', async (t) => {
    const [port] = await freePorts(1);
    await refuses({ endpoint: `https://127.0.0.1:${port}` }, /cannot be reached \(ECONNREFUSED\)$/, /spec\.backup\.s3\.endpoint/, true);
    const plain = await listening(t, createServer((_, response) => response.end()));
    await refuses({ endpoint: `https://127.0.0.1:${plain}` }, /does not speak TLS there$/, /spec\.backup\.s3\.endpoint/);
  });

  it('says so where the certificate is not trusted, or is for another name; and takes one of the named authority', async (t) => {
    const { certificate, privateKey } = await issueLeaf({ name: 's3', authority: 'etcd', commonName: 's3', organizations: [], usages: ['server'], dnsNames: ['localhost'], addresses: [] }, authority, { now: Date.now() });
    const port = await listening(t, createTlsServer({ cert: certificate, key: privateKey.reveal() }, (_, response) => void says(404, 'NoSuchKey')(response)));
    const ca = join(folder, 'ca.pem');
    await refuses({ endpoint: `https://localhost:${port}` }, /does not come from an authority that is trusted/, /spec\.backup\.s3\.ca/);
    await refuses({ endpoint: `https://127.0.0.1:${port}`, ca }, /is for other names$/, /spec\.backup\.s3\.endpoint/);
    assert.equal(await store({ endpoint: `https://localhost:${port}`, ca }).read('chain/1'), undefined);
    await assert.rejects(store({ endpoint: `https://localhost:${port}`, ca: join(folder, 'missing.pem') }).read('x'), { code: 'file-missing', message: /spec\.backup\.s3\.ca cannot be read: ENOENT/ });
  });

  it('says so where there are no credentials or no region, and the SDK says nothing', async (t) => {
    const spoken = t.mock.method(console, 'warn', () => {});
    for (const name of Object.keys(canaries)) delete process.env[name];
    try {
      await refuses({ endpoint: 'https://127.0.0.1:1' }, /there are no credentials for S3$/, /AWS_PROFILE/);
      process.env['AWS_PROFILE'] = 'missing';
      await refuses({ endpoint: 'https://127.0.0.1:1' }, /there are no credentials for S3$/, /AWS_PROFILE/);
    } finally {
      Object.assign(process.env, canaries);
    }
    await refuses({ endpoint: 'https://127.0.0.1:1' }, /there are no credentials for S3$/, /AWS_PROFILE/);
    delete process.env['AWS_PROFILE'];
    assert.equal(spoken.mock.callCount(), 0);
    await refuses({}, /in which region the bucket is$/, /spec\.backup\.s3\.region/);
  });

  it('is listed to its end, however short its pages are, and one that never ends is left', async (t) => {
    const names = ['chain/1', 'chain/2', 'chain/3', 'chain/4'];
    let endless = false;
    let pages = 0;
    const server = createServer(({ url }, response) => {
      pages++;
      const at = endless ? 0 : Number(new URL(url!, 'http://x').searchParams.get('continuation-token') ?? 0);
      const more = at < names.length - 1 ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${at + 1}</NextContinuationToken>` : '<IsTruncated>false</IsTruncated>';
      response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?><ListBucketResult><Contents><Key>prod/${names[at]}</Key></Contents>${more}</ListBucketResult>`);
    });
    const bucket = store({ endpoint: `http://127.0.0.1:${await listening(t, server)}` });
    assert.deepEqual(await bucket.list('chain/'), names);
    assert.equal(pages, names.length);
    endless = true;
    await assert.rejects(bucket.list('chain/'), { code: 'store-failed', message: /again and again/ });
  });

  it('ends at once when it is interrupted', async (t) => {
    const server = createServer(() => {});
    const endpoint = `http://127.0.0.1:${await listening(t, server)}`;
    const interruption = new AbortController();
    const begin = performance.now();
    const waiting = s3Store({ bucket: 'backups', prefix: '', pathStyle: true, endpoint }, { signal: interruption.signal }).read('x');
    server.once('request', () => interruption.abort());
    await assert.rejects(waiting, { name: 'AbortError' });
    assert.ok(performance.now() - begin < 20_000, 'and not after 30 s without an answer');
  });
});

/** The port; closed after the test. */
async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
