import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtCluster, clusterOf, withoutHost } from '../../../test/support/seen-cluster.ts';
import type { Base } from '../../backup/points.ts';
import type { Operation } from '../operation.ts';
import type { Disk, Living } from './look-at-living.ts';
import { refuseUnsafe, type Looked } from './refuse-unsafe.ts';

const built = await builtCluster('T3');
const { cluster } = built;
const disks = (disk: Partial<Disk> = {}): Living['disks'] => new Map(cluster.hosts.map(({ name }) => [name, { free: 1e9, replaced: 0, final: false, kept: undefined, now: undefined, bytes: 0, ...disk }]));
const living = (part: Partial<Living> = {}): Living => ({ seen: [], keys: undefined, unseen: undefined, strangers: [], disks: disks(), ...part });
const source = (bytes: number, etcd = '3.7.3'): NonNullable<Looked['source']> => ({ point: { base: { etcd } as Base, revision: 1, time: 0 }, file: { path: '', bytes, revision: 1, keys: new Map() } });
const wish = { rollBack: false, skipUnreachable: false };
const rollBack = { rollBack: true, skipUnreachable: false };
const refusal = (looked: Partial<Looked>, on: typeof cluster = cluster): string => {
  try {
    refuseUnsafe({ cluster: on } as Operation, { facts: built.facts, living: living(), wish, undoes: undefined, untouched: false, opened: false, source: source(1e6), ...looked });
    return 'nothing';
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
};

describe('before anything is touched', () => {
  const cp3Away = withoutHost(built, 'cp3').facts;
  const alone = withoutHost(withoutHost(built, 'cp3'), 'cp2').facts;
  const cases: readonly (readonly [title: string, looked: Partial<Looked>, expected: RegExp])[] = [
    ['a cluster as it should be is not refused', {}, /^nothing$/],
    ['a host that does not answer is refused', { facts: cp3Away }, /^host-unreachable: cp3 cannot be reached/],
    ['a majority will do where it was asked for', { facts: cp3Away, wish: { ...wish, skipUnreachable: true } }, /^nothing$/],
    ['less than a majority never does', { facts: alone, wish: { ...wish, skipUnreachable: true } }, /^quorum-risk: only 1 of 3/],
    ['members that would go on beside it are refused', { living: living({ strangers: ['https://10.0.0.9:2380'] }) }, /^unsupported-change: https:\/\/10.0.0.9:2380 is a member/],
    ['data of a newer etcd is refused', { source: source(1e6, '3.8.0') }, /^unsupported-change: the point is of etcd 3.8.0/],
    ['more than the quota is refused', { source: source(9e9), living: living({ disks: disks({ free: 1e12 }) }) }, /^unsupported-change: .*quota/],
    ['a full disk is refused', { living: living({ disks: disks({ free: 2e6 }) }) }, /^host-unfit: cp1: 2 MB are free .* 3 MB are needed/],
    ['what an attempt before has made is room', { living: living({ disks: disks({ free: 2e6, replaced: 1e6 }) }) }, /^nothing$/],
    ['a full disk is none where nothing is copied any more', { opened: true, living: living({ disks: disks({ free: 0 }) }) }, /^nothing$/],
    ['a full disk is refused for a roll-back too', { wish: rollBack, source: undefined, undoes: 'a', living: living({ disks: disks({ free: 2e6, kept: 5, bytes: 1e6 }) }) }, /^host-unfit: cp1: 2 MB are free .* 3 MB are needed/],
    ['no restore to be undone', { wish: rollBack, source: undefined }, /there is no restore to be rolled back/],
    ['nothing kept', { wish: rollBack, source: undefined, undoes: 'a' }, /no host has data that was kept/],
    ['nothing kept since nothing was replaced', { wish: rollBack, source: undefined, undoes: 'a', untouched: true }, /^nothing$/],
    ['something kept', { wish: rollBack, source: undefined, undoes: 'a', living: living({ disks: disks({ kept: 5 }) }) }, /^nothing$/],
  ];
  for (const [title, looked, expected] of cases) test(title, () => assert.match(refusal(looked), expected));

  test('one host alone is its own majority', () => {
    const one = clusterOf('T1');
    assert.equal(refusal({ facts: { ...built.facts, hosts: new Map([...built.facts.hosts].slice(0, 1)) } }, one), 'nothing');
  });
});
