import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../../../test/support/seen-cluster.ts';
import type { Stage } from '../stage.ts';
import { findFaults } from './catalogue.ts';
import type { Fault } from './fault.ts';

test('API servers are restarted one after the other, and none any more after Ctrl-C or the loss of the lock', async () => {
  const [restart] = findFaults(['A2']) as [Fault];
  const restarted = async (endAfter: number) => {
    const [hosts, ended] = [[] as string[], new AbortController()];
    const cluster = clusterOf('T3');
    const run = (name: string) => ({ run: (script: string) => (script.includes('restart') && hosts.push(name), Promise.resolve({ host: name, exitCode: 0, stdout: '', stderr: '' })) });
    const healthy = async () => (hosts.length === endAfter ? ended.abort(new Error('the lock was lost')) : undefined);
    const operation = { cluster, hosts: new Map(cluster.hosts.map(({ name }) => [name, run(name)])), signal: ended.signal };
    const aim = await restart.aim({ operation, draw: () => 0, healthy } as unknown as Stage);
    const failure = await aim.inject().then(() => undefined, String);
    return [hosts.length, failure];
  };
  assert.deepEqual(await restarted(9), [3, undefined]);
  assert.deepEqual(await restarted(1), [1, 'Error: the lock was lost']);
});
