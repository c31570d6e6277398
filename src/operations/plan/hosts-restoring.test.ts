import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, withHost } from '../../../test/support/seen-cluster.ts';
import { hostsRestoring } from './hosts-restoring.ts';

const built = await builtCluster('T3');
const noted = (note: string, ended: readonly string[]) => hostsRestoring(withHost(withHost(built, 'cp3', () => ({ restoring: note })), 'cp1', () => ({ endedRestores: ended })).facts);

describe('a host that notes a restore', () => {
  const cases: readonly (readonly [title: string, note: string, ended: readonly string[], expected: readonly string[]])[] = [
    ['is in the middle of it while nobody knows that it is over', '{"id":"b","undoes":"a"}', ['a'], ['cp3']],
    ['was away when it ended, where another host knows that it is over', '{"id":"b","undoes":"a"}', ['a', 'b'], []],
    ['is in the middle of something where its note cannot be read', '{"id"', ['b'], ['cp3']],
  ];
  for (const [title, note, ended, expected] of cases) test(title, () => assert.deepEqual(noted(note, ended), expected));
});
