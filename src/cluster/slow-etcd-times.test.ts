import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exampleClusterFile } from './example-file.ts';
import { findProblems, parseClusterFile } from './parse-cluster-file.ts';
import { withSlowEtcdTimes } from './slow-etcd-times.ts';

const example = exampleClusterFile({ name: 'prod', vip: '10.0.0.100/24', hosts: ['10.0.0.11', '10.0.0.12', '10.0.0.13'].map((address, index) => ({ name: `cp${index + 1}`, address })) });

test('the times of a slow disk are added, and nothing else of the file changes', () => {
  const slow = withSlowEtcdTimes(example);
  assert.deepEqual(findProblems(slow), []);
  const { heartbeatInterval, electionTimeout } = parseClusterFile(slow, { file: 'cluster.yaml', directory: '/', home: '/root' }).etcd;
  assert.deepEqual([heartbeatInterval, electionTimeout], [300, 3000]);
  const lines = new Set(slow.split('\n'));
  assert.deepEqual(example.split('\n').filter((line) => !lines.has(line)), []);
  assert.equal(slow.split('\n').length, example.split('\n').length + 2);
  assert.equal(withSlowEtcdTimes(slow), slow);
});

test('they come into a file that says nothing of etcd', () => {
  const without = example.replace(/ {2}etcd:\n {4}version: .*\n/, '');
  assert.doesNotMatch(without, /^ {2}etcd:/m);
  assert.match(withSlowEtcdTimes(without), /^ {2}etcd:\n {4}heartbeatInterval: 300\n {4}electionTimeout: 3000$/m);
});
