import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectEtcd } from './connect-etcd.ts';

test('of a connection that was closed nothing waits any more', async () => {
  const waiting = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = waiting();
  const client = connectEtcd({ host: '127.0.0.1', port: 1, tls: undefined, deadline: 60_000 });
  client.close();
  await assert.rejects(client.status());
  assert.equal(waiting(), before);
});
