import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { agentScript } from '../../src/render/load-agent.ts';

/** Where this kernel shows cgroups of version 2, beside those of version 1 or alone, and lets us make one. */
const cgroups = readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' ')).find(([, path, type]) => type === 'cgroup2' && isWritable(path!))?.[1];
const [, processor] = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!;

describe('what a worker says of its load, read from the kernel', { skip: cgroups === undefined ? 'no cgroup of version 2 can be made' : false }, () => {
  const folder = `${cgroups}/kubekeep-test-agent-${process.pid}`;
  const burning: ChildProcess[] = [];
  before(() => mkdirSync(folder));
  after(async () => {
    for (const one of burning) one.kill('SIGKILL');
    // The kernel needs a moment to take them out.
    for (let turn = 0; turn < 50; turn++) {
      try {
        return rmdirSync(folder);
      } catch {
        await systemClock.sleep(100);
      }
    }
    throw new Error(`${folder} cannot be removed`);
  });

  async function said(): Promise<number> {
    const agent = spawn('sh', ['-c', agentScript.replaceAll('/sys/fs/cgroup', folder)], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      for await (const line of createInterface({ input: agent.stdout })) return Number.parseInt(line, 10);
      return Number.NaN;
    } finally {
      agent.kill();
    }
  }

  it('is nothing where nothing runs, and everything where two want one processor, though the others are free', async () => {
    assert.equal(await said(), 100);
    for (let count = 0; count < 2; count++) {
      const one = spawn('taskset', ['-c', processor!, 'nice', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' });
      burning.push(one);
      writeFileSync(`${folder}/cgroup.procs`, String(one.pid));
    }
    await systemClock.sleep(200);
    assert.ok((await said()) <= 20);
  });
});

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
