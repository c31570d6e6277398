import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyBase, madeRepository } from '../../test/support/backup-repository.ts';
import { appendBaseHashes } from './append-base-hashes.ts';
import type { MemberVerdict } from './compare-members.ts';
import { basesOf, goodBases, newestBase } from './points.ts';
import { newSigningKey, publicBytes, type SigningKey } from './repository-keys.ts';
import { afterRetire } from './retention/retired.ts';

const verdicts = (...found: readonly MemberVerdict['verdict'][]): readonly MemberVerdict[] => found.map((verdict, index) => ({ member: `cp${index + 1}`, verdict }));

describe('a base, once it is taken,', () => {
  for (const [title, found, state] of [
    ['that nobody was compared with is taken and no more', undefined, 'taken'],
    ['that its own member alone has is taken and no more', verdicts('equal', 'not reached'), 'taken'],
    ['that another member has is hash-checked', verdicts('equal', 'equal', 'not reached'), 'hash-checked'],
    ['that another member alone has is hash-checked', verdicts('not comparable', 'equal'), 'hash-checked'],
    ['that one of three has something else than can be used', verdicts('equal', 'equal', 'different'), 'taken'],
    ['that one of two has something else than can be used, since nobody knows which is right', verdicts('equal', 'different'), 'taken'],
    ['that most have something else than has diverged', verdicts('equal', 'different', 'different'), 'diverged'],
    ['that its own member has something else than has diverged', verdicts('different', 'equal', 'equal'), 'diverged'],
    ['that the only one to answer has something else than has diverged', verdicts('not comparable', 'different'), 'diverged'],
  ] as const) {
    it(title, async () => {
      await using made = await madeRepository();
      const repository = await made.open();
      const base = await emptyBase(repository, made.keys, { revision: 7 });
      if (found) await appendBaseHashes(repository.chain, base, found, made.keys.writer);
      const { chain } = await made.read();
      const [read] = basesOf(chain);
      assert.equal(read!.diverged ? 'diverged' : read!.hashChecked ? 'hash-checked' : 'taken', state);
      assert.deepEqual([goodBases(chain).length, newestBase(chain, 'c1:0')?.number], state === 'diverged' ? [0, undefined] : [1, read!.number]);
    });
  }

  it('of an older release says itself what members had', async () => {
    await using made = await madeRepository();
    const repository = await made.open();
    assert.equal((await emptyBase(repository, made.keys, { hashes: [...verdicts('equal', 'equal')] })).hashChecked, true);
  });

  it('is spoken of by nobody else, only once, at its own revision and as long as it is there', async () => {
    await using made = await madeRepository();
    const repository = await made.open();
    const other = newSigningKey();
    await repository.chain.append('writers', made.keys.owner, () => ({ writers: [made.keys.writer, other].map((one) => ({ id: one.writer, key: publicBytes(one) })) }));
    const [first, second] = [await emptyBase(repository, made.keys, { revision: 7 }), await emptyBase(repository, made.keys, { revision: 8 })];
    const say = (base: { readonly number: number; readonly revision: number }, words: readonly MemberVerdict[], by: SigningKey = made.keys.writer) => appendBaseHashes(repository.chain, base, words, by);
    const states = async () => basesOf((await made.read()).chain).map(({ diverged, hashChecked }) => (diverged ? 'diverged' : hashChecked ? 'hash-checked' : 'taken'));
    await say(first, verdicts('equal', 'different', 'different'), other);
    await say({ number: first.number, revision: second.revision }, verdicts('equal', 'different', 'different'));
    assert.deepEqual(await states(), ['taken', 'taken']);
    await say(first, verdicts('equal', 'equal'));
    await say(first, verdicts('equal', 'different', 'different'));
    assert.deepEqual(await states(), ['hash-checked', 'taken']);
    await repository.chain.append('retire', made.keys.owner, () => ({ time: 1, bases: [first.number], logs: [], entriesUpTo: 0 }));
    const { entries, newest } = repository.chain;
    assert.deepEqual(afterRetire(entries, { bases: [], logs: [] }).filter(({ kind }) => kind === 'base-hashes'), []);
    await say(first, verdicts('equal', 'equal'));
    assert.equal(repository.chain.newest!.number, newest!.number, 'nothing is said of one that is gone');
  });
});
