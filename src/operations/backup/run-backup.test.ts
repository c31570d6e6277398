import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { silent } from '../../lib/progress.ts';
import { takeOne } from './run-backup.ts';

test('a base that does not fit beside etcd is not begun, by an error after which a follower tries again', async () => {
  const chosen = { spec: { name: 'cp1' }, reads: true, status: { dbSize: 5e17 } };
  const operation = { state: { path: tmpdir() }, source: { bundle: () => assert.fail('it was begun') }, progress: silent };
  await assert.rejects(takeOne(operation as never, { keys: { owner: 'one' } } as never, { chosen } as never), { code: 'store-failed', message: /MB free, and a base of etcd on cp1 takes 500,000,000,130 MB or more$/, hint: /^Make room there/ });
});
