import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EtcdClient } from '../../clients/etcd/connect-etcd.ts';
import { silent } from '../../lib/progress.ts';
import { askMembers } from './etcd-members.ts';

interface Known {
  readonly name: string;
  readonly reads?: boolean;
  readonly isLearner?: boolean;
}

/** The first of all is the leader. */
async function askedWith(bases: readonly { readonly member: string; readonly diverged: boolean }[], ...known: readonly Known[]) {
  const members = known.map(({ name, reads = true, isLearner = false }) => {
    const client = { canRead: async () => reads, status: async () => ({ member: name, leader: 'a', isLearner, revision: 5 }), close: () => {} } as unknown as EtcdClient;
    return { name, connect: async () => client };
  });
  using found = await askMembers({ source: { members: async () => members }, signal: new AbortController().signal, progress: silent }, bases);
  return { watched: found.nearest.spec.name, base: found.chosen.spec.name };
}

const asked = (...known: readonly Known[]) => askedWith([{ member: 'c', diverged: false }], ...known);

describe('the member that is watched', () => {
  it('is the first that the source has, wherever a base comes from', async () => {
    assert.deepEqual(await asked({ name: 'a' }, { name: 'b' }, { name: 'c' }), { watched: 'a', base: 'c' });
    assert.deepEqual(await asked({ name: 'b' }, { name: 'c' }, { name: 'a' }), { watched: 'b', base: 'c' });
  });
  it('is the next one where the first is cut off, has no vote, or has other data than the others', async () => {
    assert.equal((await asked({ name: 'b', reads: false }, { name: 'c' })).watched, 'c');
    assert.equal((await asked({ name: 'b', isLearner: true }, { name: 'c' })).watched, 'c');
    assert.equal((await askedWith([{ member: 'b', diverged: true }], { name: 'b' }, { name: 'c' })).watched, 'c');
  });
  it('is that of a base where nobody has a quorum', async () => assert.equal((await asked({ name: 'b', reads: false }, { name: 'c', reads: false })).watched, 'b'));
});
