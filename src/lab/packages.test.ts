import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingTools, packageLine } from './packages.ts';

test('only what is not installed is missing', async () => {
  const tools = [{ program: 'sh', package: 'dash' }, { program: 'kubekeep-no-such-program', package: 'nothing' }, { program: 'cat', package: 'coreutils' }];
  assert.deepEqual(await missingTools(tools), [tools[1]]);
});

test('the line to run names each package once', () => {
  assert.equal(packageLine([{ program: 'a', package: 'p' }, { program: 'b', package: 'q' }, { program: 'c', package: 'p' }]), 'apt-get install -y p q');
});
