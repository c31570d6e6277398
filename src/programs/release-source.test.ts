import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { answer, cutAfter, serveFiles } from '../../test/support/file-server.ts';
import type { FileServer, Mishap } from '../../test/support/file-server.ts';
import { etcdProgram, kubernetesProgram, sourceContext, temporaryFolder } from '../../test/support/programs.ts';
import { fetchPrograms } from './fetch-programs.ts';
import { releaseFile } from './release-files.ts';
import { releaseSource } from './release-source.ts';
import { readTrustedSums } from './trusted-sums.ts';

const kubelet = kubernetesProgram('kubelet');
const kubectl = kubernetesProgram('kubectl');
const elf = (text: string) => Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.from(text.repeat(5000))]);
const sum = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const kubeletKey = 'kubernetes/v1.37.2/linux-amd64/kubelet';
const kubectlKey = 'kubernetes/v1.37.2/linux-amd64/kubectl';
const files = { '/v1.37.2/bin/linux/amd64/kubelet': elf('kubelet'), '/v1.37.2/bin/linux/amd64/kubectl': elf('kubectl') };
const pins = { [kubeletKey]: sum(elf('kubelet')), [kubectlKey]: sum(elf('kubectl')) };

async function start(t: TestContext, mishaps: (Mishap | undefined)[] = [], served: Record<string, Buffer> = files) {
  const server: FileServer = await serveFiles(t, served, mishaps);
  return { server, context: sourceContext(t), mirror: server.address };
}

test('programs come from the places where the projects publish them', () => {
  assert.equal(releaseFile(kubelet).url, 'https://dl.k8s.io/release/v1.37.2/bin/linux/amd64/kubelet');
  assert.equal(releaseFile({ ...kubelet, platform: 'linux-arm64' }).url, 'https://dl.k8s.io/release/v1.37.2/bin/linux/arm64/kubelet');
  assert.equal(releaseFile(etcdProgram('etcdctl')).url, 'https://github.com/etcd-io/etcd/releases/download/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz');
  assert.equal(releaseFile({ name: 'coredns', version: '1.14.6', platform: 'linux-arm64' }).url, 'https://github.com/coredns/coredns/releases/download/v1.14.6/coredns_1.14.6_linux_arm64.tgz');
  assert.equal(releaseFile(kubelet, 'https://mirror.example/k8s/').url, 'https://mirror.example/k8s/v1.37.2/bin/linux/amd64/kubelet');
  assert.equal(releaseFile(kubelet).key, releaseFile(kubelet, 'https://mirror.example').key);
});

test('pinned programs are downloaded into the cache, in the order asked for', async (t) => {
  const { context, mirror } = await start(t);
  const fetched = await releaseSource({ pins, mirror }).fetch([kubelet, kubectl], context);
  assert.deepEqual(fetched.map(({ name }) => name), ['kubelet', 'kubectl']);
  assert.ok(readFileSync(fetched[0]!.path).equals(elf('kubelet')));
  assert.equal((await context.cache.find(kubectl, { origin: 'release' }))?.sha256, pins[kubectlKey]);
});

test('a file with another sum than the pinned one is refused and not kept', async (t) => {
  const { context, mirror } = await start(t);
  const wrong = releaseSource({ pins: { [kubeletKey]: 'a'.repeat(64) }, mirror });
  await assert.rejects(wrong.fetch([kubelet], context), { code: 'program-checksum', message: /kubelet 1\.37\.2 from http.* has SHA-256 [0-9a-f]{64} and not the pinned a{64}/ });
  assert.deepEqual(await context.cache.list(), []);
});

test('a file that is cut short by a wrong length is refused by its sum', async (t) => {
  const shorter: Mishap = (response, content) => void response.writeHead(200, { 'content-length': 1000 }).end(content.subarray(0, 1000));
  const { context, mirror } = await start(t, [shorter]);
  await assert.rejects(releaseSource({ pins, mirror }).fetch([kubelet], context), { code: 'program-checksum' });
});

test('without a pin nothing is downloaded', async (t) => {
  const { context, mirror, server } = await start(t);
  const source = releaseSource({ pins: { [kubectlKey]: pins[kubectlKey]! }, mirror });
  await assert.rejects(source.fetch([kubelet, kubectl], context), { code: 'program-unavailable', message: 'no SHA-256 is pinned for kubelet 1.37.2 (linux-amd64), so it is not downloaded', hint: /--trust-first/ });
  assert.deepEqual(server.requests, []);
});

test('what is trusted at first use is said, remembered, and held against what comes later', async (t) => {
  const first = await start(t);
  await releaseSource({ pins: {}, mirror: first.mirror, trustFirst: true }).fetch([kubelet], first.context);
  assert.ok(first.context.events.some(({ type, title, detail }) => type === 'note' && /trusting/.test(title) && detail?.includes(pins[kubeletKey]!)));
  assert.deepEqual(await readTrustedSums(first.context.cacheFolder), { [kubeletKey]: pins[kubeletKey] });

  const changed = await serveFiles(t, { '/v1.37.2/bin/linux/amd64/kubelet': elf('changed') });
  await assert.rejects(releaseSource({ pins: {}, mirror: changed.address, trustFirst: true }).fetch([kubelet], first.context), { code: 'program-checksum' });
  // And from then on it is as good as pinned.
  await releaseSource({ pins: {}, mirror: first.mirror }).fetch([kubelet], first.context);
});

test('a pin wins over a sum that was trusted before', async (t) => {
  const { context, mirror } = await start(t, [], { '/v1.37.2/bin/linux/amd64/kubelet': elf('forged') });
  await releaseSource({ pins: {}, mirror, trustFirst: true }).fetch([kubelet], context);
  const source = releaseSource({ pins, mirror });
  assert.equal(await context.cache.find(kubelet, await source.fits(kubelet)), undefined);
  await assert.rejects(source.fetch([kubelet], context), { code: 'program-checksum' });
});

test('what is no program is not trusted at first use', async (t) => {
  const { context, mirror } = await start(t, [], { '/v1.37.2/bin/linux/amd64/kubelet': Buffer.from('<html>log in</html>') });
  await assert.rejects(releaseSource({ pins: {}, mirror, trustFirst: true }).fetch([kubelet], context), { code: 'program-checksum', message: /is not a Linux program/ });
  assert.deepEqual(await readTrustedSums(context.cacheFolder), {});
});

test('what does not have the sum published beside it is not trusted at first use', async (t) => {
  const path = '/v1.37.2/bin/linux/amd64/kubelet';
  const { context, mirror } = await start(t, [], { [path]: elf('kubelet').subarray(0, 1000), [`${path}.sha256`]: Buffer.from(pins[kubeletKey]!) });
  await assert.rejects(releaseSource({ pins: {}, mirror, trustFirst: true }).fetch([kubelet], context), { code: 'program-checksum', message: /not the published/ });
  assert.deepEqual(await readTrustedSums(context.cacheFolder), {});
});

test('what an earlier run left is gone on with, and thrown away when it was something else', async (t) => {
  for (const [left, requests] of [
    [elf('kubelet').subarray(0, 20_000), 1],
    [Buffer.alloc(20_000, 1), 2],
  ] as const) {
    const { context, mirror, server } = await start(t);
    const partial = context.cache.partialFolder(kubelet);
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, 'download'), left);
    await releaseSource({ pins, mirror }).fetch([kubelet], context);
    assert.equal(server.requests.length, requests);
    assert.match(server.requests[0]!, /bytes=20000-$/);
  }
});

test('a cut connection is gone on with, also beside other downloads', async (t) => {
  const { context, mirror } = await start(t, [cutAfter(3000), cutAfter(5000), answer(502)]);
  assert.equal((await releaseSource({ pins, mirror }).fetch([kubelet, kubectl], context)).length, 2);
});

test('when one file is not to be had, the error names it and the others stop', async (t) => {
  const { context, mirror } = await start(t, [], { '/v1.37.2/bin/linux/amd64/kubelet': elf('kubelet') });
  await assert.rejects(releaseSource({ pins, mirror }).fetch([kubectl, kubelet], context), { code: 'program-unavailable', message: /^kubectl 1\.37\.2 is not to be had/ });
});

test('etcd programs come out of one archive, which is downloaded once', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'etcd-v3.7.3-linux-amd64/Documentation'), { recursive: true });
  for (const name of ['etcd', 'etcdctl', 'etcdutl', 'Documentation/README']) writeFileSync(join(folder, 'etcd-v3.7.3-linux-amd64', name), elf(name));
  execFileSync('tar', ['-czf', 'etcd.tar.gz', 'etcd-v3.7.3-linux-amd64'], { cwd: folder });
  const archive = readFileSync(join(folder, 'etcd.tar.gz'));
  const { context, mirror, server } = await start(t, [], { '/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz': archive });
  const source = releaseSource({ pins: { 'etcd/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz': sum(archive) }, mirror });
  const fetched = await source.fetch([etcdProgram('etcdutl'), etcdProgram('etcd')], context);
  assert.deepEqual(fetched.map(({ name, sha256 }) => [name, sha256]), [['etcdutl', sum(elf('etcdutl'))], ['etcd', sum(elf('etcd'))]]);
  assert.equal(server.requests.length, 1);
  assert.deepEqual((await context.cache.list()).map(({ name }) => name), ['etcd', 'etcdutl']);
});

test('programs in the cache need no server', async (t) => {
  const { context, mirror } = await start(t);
  await releaseSource({ pins: {}, mirror, trustFirst: true }).fetch([kubelet], context);
  const options = { source: { source: 'release', mirror: 'http://127.0.0.1:1' }, cacheFolder: context.cacheFolder, progress: context.progress, clock: context.clock } as const;
  const [found] = await fetchPrograms([kubelet], options);
  assert.equal(found?.sha256, pins[kubeletKey]);
  await assert.rejects(fetchPrograms([kubelet, kubectl], options), { code: 'program-unavailable' });
});
