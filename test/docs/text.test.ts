import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromRepository } from '../support/from-repository.ts';
import { lockFileProblems, markdownProblems, unverifiedConnections } from '../support/text-problems.ts';

describe('the text of the repository', () => {
  it('has Markdown whose links resolve, without line numbers and without anything that only one computer knows', () => {
    assert.deepEqual(markdownProblems(fromRepository('')), []);
  });

  it('never turns the check of a server\'s identity off', () => {
    assert.deepEqual(unverifiedConnections(fromRepository('')), []);
  });

  it('has a lock file that npm ci accepts, with sums and without download addresses', () => {
    assert.deepEqual(lockFileProblems(fromRepository('')), []);
  });
});
