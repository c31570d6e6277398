import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connectApi } from '../../src/clients/kubernetes/connect-api.ts';
import { createAuthority } from '../../src/pki/authorities.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import type { CertificateSpec } from '../../src/pki/leaves.ts';
import { day } from '../support/example-cluster.ts';

// Servers that misbehave in ways in which a real API server is hard to bring.
const now = Date.now();
const ca = await createAuthority('kubernetes', 'prod', now - 1000 * day);
const spec: CertificateSpec = { name: 'apiserver', authority: 'kubernetes', commonName: 'kube-apiserver', organizations: [], dnsNames: ['kubernetes'], addresses: [], usages: ['server'] };

async function withServer(made: number, answer: RequestListener, use: (port: number) => Promise<void>): Promise<void> {
  const { certificate, privateKey } = await issueLeaf(spec, ca, { now: made });
  const server = createServer({ cert: certificate, key: privateKey.reveal() }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
const client = (port: number) => connectApi({ connect: { host: '127.0.0.1', port }, serverName: 'kubernetes', ca: ca.certificate, deadline: 2000 });

const times = [
  ['expired', now - 366 * day, /its certificate has expired/],
  ['not valid yet', now + day, /not valid yet/],
] as const;
for (const [title, made, message] of times) {
  test(`a serving certificate out of its time is named: ${title}`, async () => {
    await withServer(made, (_, response) => response.end('ok'), async (port) => {
      await assert.rejects(client(port).get('/livez'), (error) => message.test(String(error)) && (error as { reason?: string }).reason === 'Untrusted');
    });
  });
}

test('a read goes on where the server has closed the kept connection; a change is not sent twice', async () => {
  const seen: string[] = [];
  const answer: RequestListener = (message, response) => {
    seen.push(message.method!);
    const reused = (connections.get(message.socket) ?? 0) > 0;
    connections.set(message.socket, 1);
    if (reused) message.socket.destroy();
    else response.end('ok');
  };
  const connections = new Map<unknown, number>();
  await withServer(now, answer, async (port) => {
    const api = client(port);
    assert.equal(await api.get('/a'), 'ok');
    assert.equal(await api.get('/b'), 'ok');
    await assert.rejects(api.post('/c', {}), { code: 'api-failed', reason: 'Unreachable' });
    assert.deepEqual(seen, ['GET', 'GET', 'GET', 'POST']);
    api.close();
  });
});

const answers: readonly (readonly [string, number, string, string, { readonly status?: number; readonly reason: string }])[] = [
  ['an error in text', 503, 'text/plain', 'starting up\nmore', { status: 503, reason: 'ServiceUnavailable' }],
  ['an error without a word', 418, 'text/plain', '', { status: 418, reason: 'Unknown' }],
  ['a Status object', 403, 'application/json', '{"kind":"Status","message":"no","reason":"Forbidden"}', { status: 403, reason: 'Forbidden' }],
  ['broken JSON', 200, 'application/json', '{"a":', { reason: 'NotUnderstood' }],
];
for (const [title, status, type, body, expected] of answers) {
  test(`an answer that is no success has a reason: ${title}`, async () => {
    await withServer(now, (_, response) => response.writeHead(status, { 'content-type': type }).end(body), async (port) => {
      await assert.rejects(client(port).get('/x'), { code: 'api-failed', ...expected });
    });
  });
}
