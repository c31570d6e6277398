import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectHaproxy } from './connect-haproxy.ts';
import type { HaproxyClient } from './connect-haproxy.ts';

/** A socket that takes one line, answers as HAProxy 3.0.11 did, and closes. */
async function withSocket(answer: (command: string, socket: Socket) => void, use: (client: HaproxyClient, commands: readonly string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-haproxy-'));
  const commands: string[] = [];
  const server = createServer((socket) => {
    socket.setEncoding('utf8').once('data', (line: string) => {
      commands.push(line);
      answer(line.trim(), socket);
    });
  });
  const socketPath = join(folder, 'admin.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    await use(connectHaproxy({ socketPath, host: 'cp1', deadline: 300 }), commands);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('commands are one line each and done when the answer is empty', async () => {
  await withSocket((_, socket) => socket.end('\n'), async (client, commands) => {
    await client.setServerState('api', 'cp1', 'drain');
    await client.shutdownSessions('api-ready', 'cp1.example');
    assert.deepEqual(commands, ['set server api/cp1 state drain\n', 'shutdown sessions server api-ready/cp1.example\n']);
  });
});

test('the table arrives whole, also in pieces', async () => {
  await withSocket((_, socket) => {
    socket.write('# pxname,svname,status,type,\napi,c');
    setTimeout(() => socket.end('p1,UP,2,\n\n'), 30);
  }, async (client) => {
    assert.deepEqual((await client.showStat()).map(({ server, status }) => [server, status]), [['cp1', 'UP']]);
  });
});

const refusals = [
  ['an unknown server', 'No such server.\n\n', (client: HaproxyClient) => client.setServerState('api', 'cp9', 'ready'), /HAProxy on cp1: set server api\/cp9 state ready: No such server\./],
  ['a socket without the rights', 'Permission denied\n\n', (client: HaproxyClient) => client.shutdownSessions('api', 'cp1'), /Permission denied/],
  ['no table', 'Unknown command\n', (client: HaproxyClient) => client.showStat(), /not the table/],
] as const;
for (const [title, answer, call, message] of refusals) {
  test(`a refusal is an error in HAProxy's words: ${title}`, async () => {
    await withSocket((_, socket) => socket.end(answer), async (client) => {
      await assert.rejects(call(client), { code: 'command-failed', message });
    });
  });
}

test('a HAProxy that hangs ends the command at its deadline, an interruption at once', async () => {
  await withSocket((_, socket) => socket.on('error', () => {}), async (client) => {
    await assert.rejects(client.showInfo(), { code: 'command-failed', message: /show info: no answer in 300 ms/ });
    await assert.rejects(client.showInfo({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  });
});

test('a HAProxy that is not there is an error', async () => {
  await assert.rejects(connectHaproxy({ socketPath: '/nonexistent/admin.sock', host: 'cp1' }).showStat(), { code: 'command-failed', message: /ENOENT/ });
});

test('a name cannot add a command', async () => {
  await withSocket((_, socket) => socket.end('\n'), async (client, commands) => {
    for (const name of ['a; quit', 'a\nquit', 'a b', '']) await assert.rejects(client.setServerState('api', name, 'maint'), /not a name/);
    assert.deepEqual(commands, []);
  });
});
