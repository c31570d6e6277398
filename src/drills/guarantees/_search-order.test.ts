import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { searchOrder, type Model, type Operation } from './_search-order.ts';

/** write V · read V · cas A B (succeeded) · no-cas A B (failed); "nil" is nothing. `?` where nobody answered. */
type Action = string;
type Timed = readonly [action: Action, begins: number, ends: number];

const never = Number.POSITIVE_INFINITY;

function register(initial: string): Model<string, Action> {
  return {
    initial,
    after(state, action) {
      const [does, first, second] = action.split(' ');
      switch (does) {
        case 'write': return first!;
        case 'read': return state === first ? state : undefined;
        case 'cas': return state === first ? second! : undefined;
        case 'no-cas': return state === first ? undefined : state;
        default: return assert.fail(action);
      }
    },
    text: (state) => state,
  };
}

const operations = (history: readonly Timed[]): Operation<Action>[] => history.map(([action, begins, ends]) => ({ action, begins, ends }));
const search = (history: readonly Timed[], initial: string, budget = 100_000) => searchOrder(operations(history), register(initial), budget);

// The examples that Porcupine publishes for a register (first in MIT 6.824, quiz 2 of 2017), and the shapes of what Jepsen found in etcd, told in this notation.
const histories: readonly (readonly [title: string, answer: 'found' | 'none', initial: string, history: readonly Timed[]])[] = [
  ['reads while a write is under way may differ', 'found', '0', [['write 100', 0, 100], ['read 100', 25, 75], ['read 0', 30, 60]]],
  ['the old value after somebody read the new one', 'none', '0', [['write 200', 0, 100], ['read 200', 10, 30], ['read 0', 40, 90]]],
  ['reads that took no time, of both values', 'found', '0', [['write 100', 0, 100], ['read 100', 25, 75], ['read 0', 30, 30], ['read 0', 30, 30]]],
  ['reads that took no time, and the old value later', 'none', '0', [['write 200', 0, 100], ['read 200', 10, 10], ['read 200', 10, 10], ['read 0', 40, 90]]],
  ['a swap between reads, all at once', 'found', 'nil', [['write 100', 0, 7], ['read 100', 1, 6], ['read nil', 2, 5], ['cas 100 200', 3, 8], ['read 200', 4, 9]]],
  ['nothing at all', 'found', 'nil', []],
  ['a read of what nobody wrote', 'none', 'nil', [['write 1', 0, 1], ['read 2', 2, 3]]],
  ['a stale read', 'none', 'nil', [['write 1', 0, 1], ['write 2', 2, 3], ['read 1', 4, 5]]],
  ['the same swap twice', 'none', 'nil', [['write 1', 0, 1], ['cas 1 2', 2, 9], ['cas 1 2', 3, 8]]],
  ['a swap that fails although nothing else was there', 'none', 'nil', [['write 1', 0, 1], ['no-cas 1 2', 2, 3]]],
  ['a failed swap whose value is read', 'none', 'nil', [['write 1', 0, 1], ['no-cas 3 2', 2, 3], ['read 2', 4, 5]]],
  ['an unanswered write that happened', 'found', 'nil', [['write 1', 0, 1], ['write 2', 2, never], ['read 1', 3, 4], ['read 2', 5, 6]]],
  ['an unanswered write that never happened', 'found', 'nil', [['write 1', 0, 1], ['write 2', 2, never], ['read 1', 3, 4], ['read 1', 5, 6]]],
  ['an unanswered write cannot happen twice', 'none', 'nil', [['write 1', 0, 1], ['write 2', 2, never], ['read 2', 3, 4], ['write 3', 5, 6], ['read 2', 7, 8]]],
  ['an unanswered write cannot happen before it was sent', 'none', 'nil', [['write 1', 0, 1], ['read 2', 2, 3], ['write 2', 4, never]]],
];

describe('an order is found exactly where there is one', () => {
  for (const [title, answer, initial, history] of histories) test(`${title}: ${answer}`, () => assert.equal(search(history, initial).answer, answer));

  test('random histories of up to six operations have the same answer as trying all orders', () => {
    const draw = seededDraw(4);
    const answers = { found: 0, none: 0 };
    for (let round = 0; round < 4000; round++) {
      const history = randomHistory(draw);
      const { answer, longest } = search(history, '0');
      assert.equal(answer, explainable(history, '0') ? 'found' : 'none', JSON.stringify(history));
      if (answer === 'found') assert.ok(explains(longest.map((position) => history[position]!), '0'));
      answers[answer as 'found' | 'none']++;
    }
    assert.ok(answers.found > 500 && answers.none > 500, JSON.stringify(answers));
  });
});

test('a long history with an order is found in few steps', () => {
  const history = Array.from({ length: 3000 }, (_, turn): Timed => [turn % 3 === 2 ? `read ${turn - 1}` : `write ${turn}`, turn * 10, turn * 10 + 12]);
  assert.ok(search(history, 'nil').steps < 30_000);
});

test('where the budget is used up there is no answer', () => {
  const history: Timed[] = Array.from({ length: 20 }, (_, turn) => [`write ${turn}`, 0, 100]);
  assert.equal(search([...history, ['read x', 200, 201]], 'nil', 1000).answer, 'unknown');
});

function randomHistory(draw: () => number): Timed[] {
  const below = (limit: number) => Math.floor(draw() * limit);
  return Array.from({ length: 1 + below(6) }, (): Timed => {
    const begins = below(10);
    const action = [`write ${below(3)}`, `read ${below(3)}`, `cas ${below(3)} ${below(3)}`, `no-cas ${below(3)} ${below(3)}`][below(4)]!;
    return [action, begins, draw() < 0.15 ? never : begins + below(6)];
  });
}

/** All subsets with every answered operation, in all orders that keep to the times. */
function explainable(history: readonly Timed[], initial: string): boolean {
  const tryFrom = (rest: readonly Timed[], state: string): boolean => {
    if (rest.every(([, , ends]) => ends === never)) return true;
    return rest.some((one) => {
      if (rest.some(([, , ends]) => ends < one[1])) return false;
      const after = register(initial).after(state, one[0]);
      return after !== undefined && tryFrom(rest.filter((other) => other !== one), after);
    });
  };
  return tryFrom(history, initial);
}

function explains(order: readonly Timed[], initial: string): boolean {
  const inTime = order.every(([, begins], position) => order.slice(position + 1).every(([, , ends]) => ends >= begins));
  return inTime && order.reduce<string | undefined>((state, [action]) => (state === undefined ? undefined : register(initial).after(state, action)), initial) !== undefined;
}
