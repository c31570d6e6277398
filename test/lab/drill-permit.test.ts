import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SignedPermit } from '../../src/drills/permit/permit.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, labCluster, type LabCluster, type Outcome } from '../support/lab-cluster.ts';

/** kubekeep with an empty folder in the place of the registry of labs: the hosts are any hosts to it. */
const withoutRegistry = ['--mount', 'sh', '-c', 'mount -t tmpfs -o mode=0700 none /run/kubekeep && exec "$@"', 'sh', process.execPath, fromRepository('bin/kubekeep.mjs')];

describe('drills on hosts outside a lab', () => {
  let it3: LabCluster;
  let permit: string;
  before(async () => {
    it3 = await labCluster('T3', 'test-permit');
    await expectZero(it3.run('apply', '--yes'));
    permit = join(it3.file, '..', 'permit.json');
  });
  after(() => it3[Symbol.asyncDispose]());

  it('are refused without a permit, and nothing is touched', async () => {
    const refused = await outside('drill', 'run', 'H1', '--yes');
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /no cluster of a lab .* needs a permit/);
    assert.match((await it3.hosts.get('cp1')!.run('ls /etc/systemd/system /run/systemd/transient | grep -c kubekeep-drill')).stdout, /^0$/m);
  });

  it('are refused with a permit for another fault, a changed one and one that is over', async () => {
    await expectZero(outside('drill', 'permit', '--faults', 'A1,H1,K1-hang', '--hours', '1', '--out', permit));
    assert.match((await refusedRun('E2', permit)), /does not name E2/);
    const signed = JSON.parse(await readFile(permit, 'utf8')) as SignedPermit;
    const changed = `${permit}.changed`;
    await writeFile(changed, JSON.stringify({ ...signed, permit: { ...signed.permit, faults: ['E2'] } }));
    assert.match((await refusedRun('E2', changed)), /signature that does not fit/);
    await expectZero(outside('drill', 'permit', '--faults', 'H1', '--hours', '1', '--from', '2026-01-01T00:00:00Z', '--out', changed));
    assert.match((await refusedRun('H1', changed)), /expired at 2026-01-01T01:00:00/);
  });

  it('are refused where etcd has no margin', async () => {
    await it3.hosts.get('cp3')!.run('systemctl stop etcd');
    try {
      assert.match((await refusedRun('H1', permit)), /etcd has no margin: 2 of 3/);
    } finally {
      await it3.hosts.get('cp3')!.run('systemctl start etcd');
      await it3.healthy();
    }
  });

  it('are run with a permit, after the blast radius was shown', async () => {
    const { stdout, stderr } = await outside('drill', 'run', 'H1', '--permit', permit, '--yes');
    assert.match(stderr, /H1 on test-permit: [^]*hosts +cp\d[^]*undone [^]*35 s after the beginning\n.*load +126 requests a second/);
    assert.match(stdout, /No acknowledged write was lost/);
  });

  it('that are killed are undone by the host itself', async () => {
    const child = spawn('unshare', [...withoutRegistry, 'drill', 'run', 'K1-hang', '--permit', permit, '--yes', '--file', it3.file], { stdio: 'ignore' });
    const hung = async () => {
      const states = await Promise.all([...it3.hosts].map(async ([name, host]) => [name, (await host.run('for p in $(pgrep keepalived); do cut -d" " -f3 /proc/$p/stat; done')).stdout] as const));
      return states.find(([, state]) => state.includes('T'))?.[0];
    };
    let victim: string | undefined;
    while ((victim = await hung()) === undefined) {
      assert.equal(child.exitCode, null, 'the drill ended before anything hung');
      await systemClock.sleep(200);
    }
    child.kill('SIGKILL');
    const killedAt = systemClock.monotonic();
    await systemClock.sleep(5000);
    assert.equal(await hung(), victim, 'still hung: nobody but the timer is there');
    while ((await hung()) !== undefined) {
      assert.ok(systemClock.monotonic() - killedAt < 60_000, 'not undone after a minute');
      await systemClock.sleep(500);
    }
    await it3.healthy();
  });

  async function refusedRun(fault: string, path: string): Promise<string> {
    const { code, stderr } = await outside('drill', 'run', fault, '--permit', path, '--yes');
    assert.equal(code, 3, stderr);
    return stderr;
  }

  function outside(...words: readonly string[]): Promise<Outcome> {
    const child = spawn('unshare', [...withoutRegistry, ...words, '--file', it3.file], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve({ code, ...output })));
  }
});
