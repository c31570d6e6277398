import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, withHost, type SeenCluster } from '../../../test/support/seen-cluster.ts';
import type { HostFacts } from '../facts.ts';
import { isUntouched, restoredOn } from './restored-on.ts';

const built = await builtCluster('T3');
const cameFrom = (restored: Readonly<Record<string, string | undefined>>, ready: boolean): SeenCluster['facts'] =>
  Object.entries(restored).reduce((seen, [name, one]) => withHost(seen, name, ({ etcd }: HostFacts) => ({ restored: one, etcd: { ...etcd, ready } })), built).facts;

describe('the restore that a roll-back undoes', () => {
  const cases: readonly (readonly [title: string, restored: Readonly<Record<string, string | undefined>>, ready: boolean, expected: string | undefined])[] = [
    ['is the one that the members came from, of whatever attempt', { cp1: 'b.2', cp2: 'b.2', cp3: 'b.2' }, true, 'b'],
    ['is none where the members came from none, whatever a host has that is down', { cp3: 'a.1' }, false, undefined],
    ['is the latest where no member is ready', { cp1: 'a.1', cp2: 'b.1', cp3: 'a.1' }, false, 'b'],
  ];
  for (const [title, restored, ready, expected] of cases) test(title, () => assert.equal(restoredOn({ hosts: cameFrom(restored, ready).hosts }), expected));
});

describe('nothing was replaced', () => {
  const disks = (kept: number | undefined) => new Map([['cp1', { free: 1, replaced: 0, final: false, kept, now: 7, bytes: 5 }]]);
  const untouched = (restored: string | undefined, kept?: number) => isUntouched({ hosts: cameFrom({ cp2: restored }, false).hosts }, { disks: disks(kept) }, ['a', 'b']);

  test('where no host came from the restore or from its roll-back, and none keeps anything', () => assert.deepEqual([untouched(undefined), untouched('z.1')], [true, true]));
  test('but not where one host came from the restore, or has what was kept', () => assert.deepEqual([untouched('a.2'), untouched(undefined, 9)], [false, false]));
  test('and not where a roll-back has put its own data', () => assert.equal(untouched('b.1'), false));
});
