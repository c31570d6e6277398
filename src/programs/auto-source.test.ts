import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { serveFiles } from '../../test/support/file-server.ts';
import { etcdProgram, kubernetesProgram, sourceContext } from '../../test/support/programs.ts';
import { standInGo } from '../../test/support/stand-in-go.ts';
import { autoSource } from './auto-source.ts';

const kubectl = kubernetesProgram('kubectl');
const content = Buffer.from('\x7fELF kubectl', 'latin1');
const path = '/v1.37.2/bin/linux/amd64/kubectl';
const pins = { 'kubernetes/v1.37.2/linux-amd64/kubectl': createHash('sha256').update(content).digest('hex') };

test('a pinned release that can be reached is downloaded', async (t) => {
  const { log } = standInGo(t, 'works');
  const { address } = await serveFiles(t, { [path]: content });
  const [fetched] = await autoSource({ pins, mirror: address, confirm: async () => assert.fail('nothing to confirm') }).fetch([kubectl], sourceContext(t));
  assert.equal(fetched?.sha256, Object.values(pins)[0]);
  assert.ok(!existsSync(log));
});

const obstacles = {
  'no pin': { pins: {}, mirror: undefined, says: /^the releases have no pinned SHA-256: compiling/ },
  'no server': { pins, mirror: 'http://127.0.0.1:1', says: /^127\.0\.0\.1:1 cannot be reached: compiling/ },
} as const;
for (const [what, { says, ...release }] of Object.entries(obstacles)) {
  test(`with ${what} the programs are compiled, after saying what that costs`, async (t) => {
    standInGo(t, 'works');
    const context = sourceContext(t);
    const [fetched] = await autoSource(release).fetch([kubectl], context);
    assert.ok(await context.cache.find(fetched!, { origin: 'build' }));
    const note = context.events.find(({ type }) => type === 'note');
    assert.match(note!.title, says);
    assert.match(note!.detail!, /minutes .* GB/);
  });
}

test('a server that answers with a web page counts as not reached', async (t) => {
  standInGo(t, 'works');
  const context = sourceContext(t);
  const { address } = await serveFiles(t, {});
  const [fetched] = await autoSource({ pins, mirror: address }).fetch([kubectl], context);
  assert.ok(await context.cache.find(fetched!, { origin: 'build' }));
});

test('a person who says no is not made to wait for a compiler', async (t) => {
  const { log } = standInGo(t, 'works');
  let asked = '';
  const confirm = async (question: string) => {
    asked = question;
    return false;
  };
  await assert.rejects(autoSource({ pins: {}, confirm }).fetch([kubectl], sourceContext(t)), { code: 'needs-confirmation' });
  assert.match(asked, /Compile kubectl here \(.*minutes/);
  assert.ok(!existsSync(log));
});

test('a version that can be had neither way is refused with both reasons', async (t) => {
  const wanted = { ...etcdProgram('etcd'), version: '3.7.99' };
  await assert.rejects(autoSource({ pins: {} }).fetch([wanted], sourceContext(t)), {
    code: 'program-unavailable',
    message: 'the releases have no pinned SHA-256, and etcd 3.7.99 cannot be compiled: there are no pinned module sums for it',
  });
});
