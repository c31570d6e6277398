import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderedHost } from '../../../test/support/rendered-host.ts';
import { etcdWithoutFsync } from './etcd-without-fsync.ts';

test('an etcd without fsync differs from ours in one line', async () => {
  const config = '/etc/kubekeep/etcd.yaml';
  const [ours, mutant] = [(await renderedHost()).get(config)!.content, (await renderedHost({}, etcdWithoutFsync.renderers)).get(config)!.content];
  assert.equal(mutant, `${ours}unsafe-no-fsync: true\n`);
});
