import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readKubeconfig } from './kubeconfig.ts';

describe('a kubeconfig', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-kubeconfig-'));
    await writeFile(join(folder, 'ca.pem'), 'the authority');
  });
  after(() => rm(folder, { recursive: true }));

  const read = async (cluster: object, user: object, current = 'b') => {
    const path = join(folder, 'kubeconfig');
    const other = { server: 'https://elsewhere' };
    await writeFile(path, JSON.stringify({ 'kind': 'Config', 'current-context': current, 'contexts': [{ name: 'a', context: { cluster: 'other', user: 'u' } }, { name: 'b', context: { cluster: 'c', user: 'u' } }], 'clusters': [{ name: 'other', cluster: other }, { name: 'c', cluster }], 'users': [{ name: 'u', user }] }));
    return readKubeconfig(path);
  };
  const encoded = (text: string) => Buffer.from(text).toString('base64');

  it('leads to the server of its current context, with a certificate or a token, in the file or beside it', async () => {
    const { key, token, ...connection } = await read({ 'server': 'https://[fd00::1]:6443', 'certificate-authority': 'ca.pem', 'tls-server-name': 'kubernetes' }, { 'client-certificate-data': encoded('mine'), 'client-key-data': encoded('hush') });
    assert.deepEqual([connection, key!.reveal(), token], [{ connect: { host: 'fd00::1', port: 6443 }, serverName: 'kubernetes', ca: 'the authority', certificate: 'mine' }, 'hush', undefined]);
    const withToken = await read({ 'server': 'https://api.example.org', 'certificate-authority-data': encoded('x') }, { token: 't' });
    assert.deepEqual([withToken.connect, withToken.serverName, withToken.token!.reveal()], [{ host: 'api.example.org', port: 443 }, 'api.example.org', 't']);
  });

  const ca = { 'certificate-authority-data': encoded('x') };
  for (const [title, cluster, user, current, message] of [
    ['without an authority', { 'server': 'https://a', 'insecure-skip-tls-verify': true }, { token: 't' }, 'b', /a server is not spoken to unchecked/],
    ['whose credentials another program gets', { server: 'https://a', ...ca }, { exec: { command: 'aws' } }, 'b', /credentials that another program has to get/],
    ['without encryption', { server: 'http://a', ...ca }, { token: 't' }, 'b', /https:\/\/HOST:PORT/],
    ['behind a path', { server: 'https://a/k8s', ...ca }, { token: 't' }, 'b', /https:\/\/HOST:PORT/],
    ['without the context that it names', { server: 'https://a', ...ca }, { token: 't' }, 'z', /no context "z"/],
  ] as const) {
    it(`${title} is refused`, async () => {
      await assert.rejects(read(cluster, user, current), { code: 'usage', message });
    });
  }

  it('that is none is refused without a word of it', async () => {
    await writeFile(join(folder, 'secret'), 'hunter2: [');
    await assert.rejects(readKubeconfig(join(folder, 'secret')), (error: Error) => /is no YAML/.test(error.message) && !/hunter2/.test(`${error.message} ${String(error.cause)}`));
    await assert.rejects(readKubeconfig(join(folder, 'none')), { code: 'file-missing', message: /does not exist/ });
  });
});
