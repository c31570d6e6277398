import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, opened } from '../../test/support/seen-cluster.ts';
import { KubekeepError } from '../lib/errors.ts';
import { lookAtEnd } from './look-at-end.ts';
import type { Stage } from './stage.ts';

const stageWhere = (forward: () => Promise<string>, notes: string[]) => {
  const cluster = clusterOf('T3');
  const hosts = new Map(cluster.hosts.map(({ name }) => [name, { name, forward }]));
  return { secrets: opened.secrets, operation: { cluster, hosts, clock: { now: () => Date.now() }, progress: ({ title }: { title: string }) => notes.push(title) } } as unknown as Stage;
};

test('a cluster that fails again when a run is over leaves two things unknown, and not the run without a result', async () => {
  const notes: string[] = [];
  const unreachable = () => Promise.reject(new KubekeepError('host-unreachable', 'cp1: no answer'));
  assert.deepEqual(await lookAtEnd(stageWhere(unreachable, notes), 'drill'), { finally: undefined });
  assert.deepEqual(notes, ['what exists at the end is not known: cp1: no answer', 'whose tokens are accepted is not known: cp1: no answer']);
});

test('an error of kubekeep itself is none of the cluster', async () => {
  await assert.rejects(lookAtEnd(stageWhere(() => Promise.reject(new TypeError('a bug')), []), 'drill'), /a bug/);
});
