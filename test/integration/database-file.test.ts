import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { stateOfFile } from '../../src/operations/objects/object-state.ts';
import { fromRepository } from '../support/from-repository.ts';
import { loneEtcd } from '../support/lone-etcd.ts';

it('the data folder of an etcd is read when it is stopped, and while it runs as a copy only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kubekeep-database-'));
  const etcd = await loneEtcd(folder);
  try {
    await etcd.client.commit([{ key: Buffer.from('/registry/things/one'), value: Buffer.from('v'), lease: 0n }]);
    const [db] = globSync('**/member/snap/db', { cwd: folder });
    const data = join(folder, dirname(dirname(dirname(db!))));
    const key = '/registry/things/one';
    const read = async (path: string, copy = false) => String((await stateOfFile({ progress: silent, clock: systemClock, signal: new AbortController().signal }, path, { copy }).values(new Set([key]))).get(key)?.value);
    for (const path of [data, join(folder, db!)]) await assert.rejects(read(path), { code: 'usage', message: /belongs to an etcd that runs/, hint: /--copy/ });
    // etcd puts what it wrote into its file some time later.
    for (const end = performance.now() + 20_000; (await read(data, true)) !== 'v'; await systemClock.sleep(100)) assert.ok(performance.now() < end, 'the copy does not have it');
    await etcd[Symbol.asyncDispose]();
    assert.deepEqual([await read(data), await read(join(folder, db!))], ['v', 'v']);
    await assert.rejects(read(folder), { code: 'file-missing', message: /none of an etcd/ });
    const other = fromRepository('README.md');
    await assert.rejects(read(other), { code: 'data-damaged', message: new RegExp(`^${other} cannot be read: .*meta page`), hint: /Name a snapshot/ });
  } finally {
    await etcd[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  }
});
