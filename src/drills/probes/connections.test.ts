import assert from 'node:assert/strict';
import { createSecureServer } from 'node:http2';
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { freePorts } from '../../../test/support/free-ports.ts';
import { startRelay } from '../../../test/support/relay.ts';
import { systemClock } from '../../lib/clock.ts';
import { createAuthority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { clientTimers, endpointOf } from './connection.ts';
import type { ClientTimers } from './connection.ts';
import { keptConnection } from './kept-connection.ts';
import { newConnections } from './new-connections.ts';
import { send } from './send.ts';

const now = Date.now();
const authority = await createAuthority('kubernetes', 'test', now);
const leaf = await issueLeaf({ name: 'x', authority: 'kubernetes', commonName: 'kubernetes', organizations: [], dnsNames: ['kubernetes'], addresses: ['127.0.0.1'], usages: ['server', 'client'] }, authority, { now });
const access = { ca: authority.certificate, certificate: leaf.certificate, key: leaf.privateKey };
const quick: ClientTimers = { dial: 2000, handshake: 2000, together: 2000, silence: 400, ping: 300, request: 5000 };

let server: Http2SecureServer;
let port: number;
const sessions = new Set<ServerHttp2Session>();
let handle: (request: Http2ServerRequest, response: Http2ServerResponse) => void = () => {};
const greet = (_: Http2ServerRequest, response: Http2ServerResponse) => response.end('hello');

before(async () => {
  server = createSecureServer({ cert: leaf.certificate, key: leaf.privateKey.reveal(), allowHTTP1: true }, (request, response) => handle(request, response));
  server.on('session', (session) => sessions.add(session.once('close', () => sessions.delete(session))));
  server.on('sessionError', () => {}).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  for (const session of sessions) session.destroy();
  server.close();
});

function kept(t: TestContext, to = port, changes: Partial<ClientTimers> = {}, serverName = 'kubernetes') {
  const connection = keptConnection(endpointOf({ address: '127.0.0.1', port: to, serverName }, access), { ...quick, ...changes }, systemClock);
  t.after(() => connection.close());
  return connection;
}

function fresh(t: TestContext, to = port) {
  const connection = newConnections(endpointOf({ address: '127.0.0.1', port: to, serverName: '127.0.0.1' }, access));
  t.after(() => connection.close());
  return connection;
}

async function relay(t: TestContext) {
  const one = await startRelay(port);
  t.after(() => one.close());
  return one;
}

const get = { method: 'GET', path: '/' } as const;
const ask = (connection: ReturnType<typeof fresh>, patience = 3000) => send(connection, get, { patience, clock: systemClock });

test('a kept connection is one for all requests; new connections are one each', async (t) => {
  handle = greet;
  for (const [open, accepted] of [[kept, 1], [fresh, 5]] as const) {
    const through = await relay(t);
    const connection = open(t, through.port);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(connection)));
    assert.deepEqual(answers, answers.map(() => ({ status: 200, text: 'hello' })));
    assert.equal(through.accepted(), accepted);
  }
});

test('client-go and the modern client differ in their times only', () => {
  assert.deepEqual(clientTimers.reused, { dial: 30_000, handshake: 10_000, together: 40_000, silence: 30_000, ping: 15_000, request: 10_000 });
  assert.deepEqual(clientTimers['reused, short'], { dial: 2000, handshake: 2000, together: 2000, silence: 1000, ping: 1000, request: 10_000 });
});

test('after a goodbye the open request is answered, what comes after goes over another connection, and nothing fails', async (t) => {
  let release = () => {};
  handle = (_, response) => {
    release = () => response.end('late');
  };
  const through = await relay(t);
  const connection = kept(t, through.port);
  const late = ask(connection);
  while (sessions.size === 0 || through.accepted() === 0) await systemClock.sleep(5);
  await systemClock.sleep(100);
  handle = greet;
  for (const session of sessions) session.goaway(0);
  const others = await Promise.all([1, 2, 3].map(() => ask(connection)));
  await systemClock.sleep(100);
  const next = await ask(connection);
  release();
  assert.deepEqual([await late, ...others, next].map(({ text }) => text), ['late', 'hello', 'hello', 'hello', 'hello']);
  assert.equal(through.accepted(), 2);
});

test('a request that the server turned away is sent again', async (t) => {
  let turns = 0;
  handle = (request, response) => {
    if (turns++ === 0) request.stream.close(7);
    else response.end('hello');
  };
  assert.deepEqual(await ask(kept(t)), { status: 200, text: 'hello' });
});

test('a dead connection is noticed by its silence although requests keep being sent on it', async (t) => {
  handle = greet;
  const through = await relay(t);
  const connection = kept(t, through.port);
  await ask(connection);
  through.swallow({ open: true });
  const start = performance.now();
  const lost: Promise<{ failure?: { error: string; unprocessed: boolean } }>[] = [];
  while (through.accepted() === 1 && performance.now() - start < 4000) {
    lost.push(ask(connection));
    await systemClock.sleep(50);
  }
  const took = performance.now() - start;
  assert.equal(through.accepted(), 2);
  assert.ok(took >= 650 && took < 1800, `${took} ms`);
  assert.deepEqual((await lost[0]!).failure, { error: 'ping time-out', unprocessed: false, turnedAway: false });
  assert.equal((await ask(connection)).status, 200);
});

test('a quiet connection is kept: it answers when it is asked for a sign of life', async (t) => {
  handle = greet;
  const through = await relay(t);
  const connection = kept(t, through.port);
  await ask(connection);
  await systemClock.sleep(1500);
  await ask(connection);
  assert.equal(through.accepted(), 1);
});

test('a dial that is stuck holds up nobody: a later request dials for itself and serves both', async (t) => {
  handle = greet;
  const through = await relay(t);
  through.swallow({ next: 1 });
  const connection = kept(t, through.port, { handshake: 30_000, together: 30_000 });
  const start = performance.now();
  const first = ask(connection);
  await systemClock.sleep(300);
  assert.equal((await ask(connection)).status, 200);
  assert.equal((await first).status, 200);
  assert.ok(performance.now() - start < 2000);
  assert.equal(through.accepted(), 2);
});

test('a connection that is reset at the end of its handshake fails at once and is not kept', async (t) => {
  handle = greet;
  for (const open of [kept, fresh]) {
    const through = await relay(t);
    const connection = open(t, through.port, {});
    through.resetNext(5);
    const start = performance.now();
    // The reset must be there before the handshake's last bytes leave.
    setTimeout(() => {
      const busy = performance.now() + 100;
      while (performance.now() < busy);
    }, 2);
    const { failure } = await ask(connection);
    assert.match(failure?.error ?? '', /ECONNRESET|EPIPE|cut/);
    through.resetNext(0);
    assert.equal((await ask(connection)).status, 200);
    assert.ok(performance.now() - start < 2000);
  }
});

const failures: readonly (readonly [string, (t: TestContext) => Promise<readonly [ReturnType<typeof fresh>, number?]>, string | RegExp, boolean])[] = [
  ['nobody listens, new', async (t) => [fresh(t, (await freePorts(1))[0]!)], 'ECONNREFUSED', true],
  ['nobody listens, kept', async (t) => [kept(t, (await freePorts(1))[0]!)], 'ECONNREFUSED', true],
  ['another name in the certificate', async (t) => [kept(t, port, {}, 'other.example')], 'ERR_TLS_CERT_ALTNAME_INVALID', true],
  ['TLS hangs, new', async (t) => {
    const through = await relay(t);
    through.swallow({ next: 1 });
    return [fresh(t, through.port), 400];
  }, 'time-out', true],
  ['TLS hangs, kept', async (t) => {
    const through = await relay(t);
    through.swallow({ next: 9 });
    return [kept(t, through.port, { together: 300 }), 2000];
  }, 'TLS time-out', true],
  ['no answer, new', async (t) => {
    handle = () => {};
    return [fresh(t), 400];
  }, 'time-out', false],
  ['no answer, kept', async (t) => {
    handle = () => {};
    return [kept(t), 1200];
  }, 'time-out', false],
  ['reset before the answer, new', async (t) => {
    const through = await relay(t);
    handle = () => through.cut();
    return [fresh(t, through.port)];
  }, /ECONNRESET|EPIPE/, false],
  ['reset before the answer, kept', async (t) => {
    const through = await relay(t);
    handle = () => through.cut();
    return [kept(t, through.port)];
  }, /ECONNRESET|EPIPE|cut/, false],
  ['cut within the answer, new', async (t) => {
    const through = await relay(t);
    handle = (_, response) => {
      response.writeHead(201, { 'content-length': '100' });
      response.write('{"kind"', () => setTimeout(() => through.cut(), 100));
    };
    return [fresh(t, through.port)];
  }, /ECONNRESET|cut/, false],
  ['cut within the answer, kept', async (t) => {
    const through = await relay(t);
    handle = (_, response) => response.write('{"kind"', () => setTimeout(() => through.cut(), 100));
    return [kept(t, through.port)];
  }, /ECONNRESET|EPIPE|cut/, false],
];
for (const [title, prepare, error, unprocessed] of failures) {
  test(`a failure says what happened and whether the server can have done it: ${title}`, async (t) => {
    const [connection, patience = 3000] = await prepare(t);
    const { failure } = await ask(connection, patience);
    assert.match(failure?.error ?? 'none', new RegExp(typeof error === 'string' ? `^${error}$` : error));
    assert.equal(failure!.unprocessed, unprocessed);
  });
}
