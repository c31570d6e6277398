import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyOf, isProgramName, platformOf, programNames, usualPrograms } from './program.ts';

test('every program belongs to the family whose version it has', () => {
  const etcd = programNames.filter((name) => familyOf(name) === 'etcd');
  assert.deepEqual(etcd, ['etcd', 'etcdctl', 'etcdutl']);
  assert.equal(familyOf('kubectl'), 'kubernetes');
  assert.deepEqual(programNames.filter((name) => !usualPrograms.includes(name)), ['coredns']);
});

test('a word is a program only when it is one of the names', () => {
  assert.ok(isProgramName('kubelet'));
  assert.ok(!isProgramName('../etcd'));
  assert.ok(!isProgramName('toString'));
});

test('platforms are those of the architectures that have programs', () => {
  assert.equal(platformOf('x64'), 'linux-amd64');
  assert.equal(platformOf('arm64'), 'linux-arm64');
  assert.equal(platformOf('riscv64'), undefined);
});
