import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { aHost, cluster } from '../../../test/support/example-cluster.ts';
import { performComponent } from './perform-component.ts';
import type { Work } from './work.ts';

/** What systemd is asked for while etcd restarts, on a host where `etcd` ends so. */
async function askedWhile(etcd: 'comes up' | 'does not come up', apiServer: 'runs' | 'is stopped'): Promise<string[]> {
  let script = '';
  const run = async (text: string) => {
    script = text;
    return { host: 'cp1', exitCode: 0, stdout: '', stderr: '', duration: 0, timedOut: false };
  };
  const design = { name: 'etcd', unit: 'etcd.service', programs: {}, files: [], onChange: 'restart' };
  const work = { cluster: { ...cluster, hosts: [aHost()] }, hosts: new Map([['cp1', { run }]]), token: 'abc', user: 'me', clock: { now: () => 0 }, prepared: { designs: new Map([['cp1', [design]]]), opened: {} } } as unknown as Work;
  await performComponent({ id: 'cp1/etcd', host: 'cp1', component: 'etcd', title: 'etcd: restart', reasons: [], action: 'restart', write: [], programs: [], effect: '' }, work, { wait: true });
  const lines = script.slice(script.indexOf('systemctl enable')).replaceAll(/^rm .*$/gm, 'echo noted as done');
  const stubs = `timeout() { shift; "$@"; }
systemctl() { echo "$*"; case "$*" in 'restart etcd.service') ${etcd === 'comes up'};; 'is-active -q kube-apiserver.service') ${apiServer === 'runs'};; esac; }
`;
  try {
    return execFileSync('sh', ['-c', stubs + lines], { encoding: 'utf8' }).trim().split('\n').slice(2);
  } catch (error) {
    return [...(error as { stdout: string }).stdout.trim().split('\n').slice(2), `exit ${(error as { status: number }).status}`];
  }
}

const asked = 'is-active -q kube-apiserver.service';
const stop = 'stop kube-apiserver.service';
const restart = 'restart etcd.service';
const start = 'start --no-block kube-apiserver.service';

test('an API server stops before its etcd restarts and starts after it, also where etcd does not come up', async () => {
  assert.deepEqual(await askedWhile('comes up', 'runs'), [asked, stop, restart, 'noted as done', start]);
  assert.deepEqual(await askedWhile('does not come up', 'runs'), [asked, stop, restart, start, 'exit 1']);
});

test('an API server that was stopped stays so', async () => {
  assert.deepEqual(await askedWhile('does not come up', 'is stopped'), [asked, restart, 'exit 1']);
});
