import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../../../test/support/seen-cluster.ts';
import type { Topology } from '../../cluster/topologies.ts';
import { restorePhases } from './restore-plan.ts';

const outline = (topology: Topology, { first = 0, ...options }: { first?: number; opened?: boolean; untouched?: boolean; fromKept?: boolean } = {}) => {
  const cluster = clusterOf(topology);
  return restorePhases(cluster, { answering: cluster.hosts.slice(first), opened: false, untouched: false, fromKept: false, ...options }).map(({ name, steps }) => `${name} ${steps.map(({ host }) => host).join(' ')}`);
};
const all = 'cp1 cp2 cp3';
const opening = ['first cp1', 'open cp2 cp3', `balance ${all}`, `control ${all}`, 'finish cp1'];

test('clients are cut off before etcd stops, and come back when it is checked', () => {
  assert.deepEqual(outline('T3'), [`prepare ${all}`, `close ${all}`, `stop ${all}`, `data ${all}`, `etcd ${all}`, 'check cp1', ...opening]);
});

test('once it was opened data is never replaced again', () => assert.deepEqual(outline('T3', { opened: true }), opening));

test('a restore that has replaced nothing is rolled back by opening again', () => {
  assert.deepEqual(outline('T3', { untouched: true, fromKept: true }), [`prepare ${all}`, `close ${all}`, `stop ${all}`, `etcd ${all}`, ...opening]);
});

test('one host alone has no others to open; separate roles have their own steps', () => {
  assert.deepEqual(outline('T1').filter((line) => line.startsWith('open')), []);
  const external = outline('T3E');
  assert.ok(external.includes('data etcd1 etcd2 etcd3') && external.includes('check etcd1') && external.includes('first cp1'), external.join('\n'));
});

test('hosts that do not answer are left out', () => {
  assert.deepEqual(outline('T3', { first: 1 }).slice(3), ['data cp2 cp3', 'etcd cp2 cp3', 'check cp2', 'first cp2', 'open cp3', 'balance cp2 cp3', 'control cp2 cp3', 'finish cp2']);
});
