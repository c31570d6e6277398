import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecipientLists } from '../../backup/recipients.ts';
import { listsWith, listsWithout, type KeyUse } from './change-keys.ts';

const lists = (recipients: string, escrow = recipients): RecipientLists => ({ recipients: recipients.split(''), escrow: escrow.split('') });
/** The cluster's own is o. */
const file = (recipients: string, escrow = recipients) => ({ own: 'o', ...lists(recipients, escrow) });

describe('the recipients of a repository', () => {
  const more: readonly (readonly [string, RecipientLists, RecipientLists, string, KeyUse | undefined, RecipientLists])[] = [
    ['those of the file where none is named', lists('o'), file('oab', 'oa'), '', undefined, lists('oab', 'oa')],
    ['one whom the file has, as it has them', lists('o'), file('oab', 'oa'), 'b', undefined, lists('ob', 'o')],
    ['one whom the file does not have, in both', lists('o'), file('oa'), 'x', undefined, lists('ox')],
    ['one for data', lists('o'), file('o'), 'x', 'data', lists('ox', 'o')],
    ['one for escrow, whatever the file says', lists('o'), file('oa'), 'a', 'escrow', lists('o', 'oa')],
    ['those of the file for escrow only, where that is said', lists('o'), file('oab', 'oa'), '', 'escrow', lists('o', 'oa')],
    ['nobody twice', lists('oa'), file('oa'), 'a', 'both', lists('oa')],
  ];
  for (const [title, present, wanted, named, use, expected] of more) it(`get more: ${title}`, () => assert.deepEqual(listsWith(present, wanted, { named: named.split(''), use }), expected));

  const fewer: readonly (readonly [string, RecipientLists, RecipientLists & { own: string }, string, KeyUse | undefined, RecipientLists])[] = [
    ['those whom the file does not have where none is named', lists('oab'), file('oa', 'o'), '', undefined, lists('oa', 'o')],
    ['one, in both', lists('oab'), file('oab'), 'b', undefined, lists('oa')],
    ['one, of escrow only', lists('oab'), file('oab'), 'b', 'escrow', lists('oab', 'oa')],
    ['those of escrow only whom the file does not have, where that is said', lists('oab'), file('oa', 'o'), '', 'escrow', lists('oab', 'o')],
    ['one who is gone already', lists('oa'), file('oa'), 'b', undefined, lists('oa')],
  ];
  for (const [title, present, wanted, named, use, expected] of fewer) it(`get fewer: ${title}`, () => assert.deepEqual(listsWithout(present, wanted, { named: named.split(''), use }), expected));

  it("never lose the cluster's own", () => {
    assert.throws(() => listsWithout(lists('oa'), file('oa'), { named: ['o'] }), { code: 'usage' });
    assert.deepEqual(listsWithout(lists('oa'), file('o'), { named: [] }), lists('o'));
  });
});
