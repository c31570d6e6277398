import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { keeperFolder, keeperMetrics } from '../../render/paths.ts';
import { followerFacts, keeperStamp, stampOf } from './keeper-stamp.ts';

describe('what is seen of kubekeep on a host', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-stamp-'));
    await mkdir(join(folder, 'keeper/d1/bin'), { recursive: true });
    await writeFile(join(folder, 'keeper/d1/node'), 'node');
    await writeFile(join(folder, 'keeper/d1/bin/kubekeep.mjs'), 'one');
    await writeFile(join(folder, 'keeper.stamp'), `d1 ${shell(stampOf(join(folder, 'keeper/d1')))}`);
  });
  after(() => rm(folder, { recursive: true }));

  const shell = (script: string) => execFileSync('sh', ['-c', script], { encoding: 'utf8' });
  /** With the places of a host in a folder of the test. */
  function seen(): readonly string[] {
    const script = [[keeperFolder, 'keeper'], [keeperStamp, 'keeper.stamp'], [keeperMetrics, 'metrics']].reduce((text, [path = '', name = '']) => text.replaceAll(path, join(folder, name)), followerFacts);
    return shell(`p() { echo "$@"; }\n${script}\ntrue`).trim().split('\n').map((line) => line.replace(`${folder}/keeper/`, ''));
  }

  it('is its digest as long as nothing was changed, and what it says of itself', async () => {
    assert.deepEqual(seen(), ['program d1 d1']);
    await writeFile(join(folder, 'metrics'), 'x');
    assert.deepEqual(seen(), ['program d1 d1', 'follower eA==']);
    await rm(join(folder, 'metrics'));
  });

  it('is another one that was not unpacked to its end', async () => {
    await writeFile(join(folder, 'keeper/d2.tar.gz'), '');
    await mkdir(join(folder, 'keeper/d2.new'));
    assert.deepEqual(seen(), ['program d1 d1', 'program d2.new changed', 'program d2.tar.gz changed']);
    await rm(join(folder, 'keeper/d2.tar.gz'));
    await rm(join(folder, 'keeper/d2.new'), { recursive: true });
  });

  it('is changed when a file is, also by somebody who keeps its size and time', async () => {
    const path = join(folder, 'keeper/d1/bin/kubekeep.mjs');
    const { atime, mtime } = await stat(path);
    await writeFile(path, 'two');
    await utimes(path, atime, mtime);
    assert.equal(await readFile(path, 'utf8'), 'two');
    assert.deepEqual(seen(), ['program d1 changed']);
  });
});
