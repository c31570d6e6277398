import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseMember, type Candidate } from './choose-member.ts';

const leader = 'a';
const member = (name: string, { reads = true, learner = false, revision = 100, leads = leader as string | undefined, stored = false, diverged = false } = {}): Candidate => ({ status: { member: name, leader: leads, isLearner: learner, revision }, reads, stored, diverged });
const chosen = (...candidates: readonly Candidate[]) => chooseMember(candidates)?.status.member;

describe('the member that a snapshot is taken from', () => {
  it('does not lead where another one has the same', () => assert.equal(chosen(member('a'), member('b')), 'b'));
  it('is the one of the newest base, also when another one is a few revisions further', () => assert.equal(chosen(member('a'), member('b', { revision: 101 }), member('c', { stored: true })), 'c'));
  it('is not the one of the newest base when it leads now', () => assert.equal(chosen(member('a', { stored: true }), member('b')), 'b'));
  it('is not the one of the newest base when it is cut off or behind without a quorum', () => {
    assert.equal(chosen(member('b', { stored: true, reads: false }), member('c')), 'c');
    assert.equal(chosen(member('b', { stored: true, reads: false }), member('c', { reads: false, revision: 101 })), 'c');
  });
  it('leads where no other one is in touch with a quorum, as one that is cut off is not', () => assert.equal(chosen(member('b', { reads: false, leads: undefined, revision: 90 }), member('a')), 'a'));
  it('is not one that is cut off and does not know it yet', () => assert.equal(chosen(member('b', { reads: false }), member('a')), 'a'));
  it('is no learner where there is another', () => assert.equal(chosen(member('b', { reads: false, learner: true, revision: 200 }), member('c', { reads: false })), 'c'));
  it('has the highest revision where nobody has a quorum, also when it takes itself for the leader', () => assert.equal(chosen(member('b', { reads: false, revision: 101 }), member('a', { reads: false, revision: 102 }), member('c', { reads: false, revision: 100 })), 'a'));
  it('is not one whose last base had other data than the others, unless no other one is in touch with a quorum', () => {
    assert.equal(chosen(member('b', { diverged: true }), member('a')), 'a');
    assert.equal(chosen(member('b', { diverged: true }), member('a', { reads: false })), 'b');
  });
  it('is none of none', () => assert.equal(chosen(), undefined));
});
