import { countOf } from '../report/figure-text.ts';
import type { Request } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { requestText, revisionText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { registerModel, tellsSomething } from './_register-model.ts';
import { searchOrder, type Order } from './_search-order.ts';

const promise = 'Requests about one object behave as if they happened one after the other, each at one moment between its sending and its answer.';

/** Times that the model of one object is asked: a second or two of searching. */
const standardBudget = 1_000_000;

/** C-lin with the standard budget. */
export const linearizable: Checker = linearizableWithin(standardBudget);

/**
 * C-lin: linearizability of each object. `budget` bounds the search for each; an object that needs more is not decided.
 * @internal also for tests
 */
export function linearizableWithin(budget: number): Checker {
  return ({ records }) => {
    const requests = records.filter((record) => record.kind === 'request').filter(tellsSomething);
    // One request alone can be explained always.
    const objects = [...Map.groupBy(requests, ({ object }) => object).values()].filter((about) => about.length > 1);
    const breaches: string[] = [];
    let undecided = 0;
    let checked = 0;
    for (const about of objects) {
      const order = orderOf(about, budget);
      checked += about.length;
      if (order.answer === 'unknown') undecided++;
      if (order.answer === 'none') breaches.push(breachText(about, order));
    }
    return giveVerdict({
      guarantee: 'C-lin',
      promise,
      found: `${countOf(objects.length, 'object')} with ${countOf(checked, 'request')} in all, ${breaches.length} without an order that explains them`,
      breaches,
      doubt: objects.length === 0 ? 'no object had two requests' : undecided > 0 ? `${countOf(undecided, 'object')} could not be decided in ${countOf(budget, 'step')}` : undefined,
    });
  };
}

function orderOf(requests: readonly Request[], budget: number): Order {
  const written = new Set(requests.flatMap(({ operation, value }) => (operation === 'get' || value === undefined ? [] : [value])));
  const operations = requests.map((request) => ({ begins: request.sent, ends: request.outcome === 'unknown' ? Number.POSITIVE_INFINITY : request.ended, action: request }));
  return searchOrder(operations, registerModel(written), budget);
}

/** Names the request that the longest order leaves out and that ended first: something is wrong there, or just before. */
function breachText(requests: readonly Request[], { longest }: Order): string {
  const explained = new Set(longest);
  const left = requests.filter(({ outcome }, position) => outcome !== 'unknown' && !explained.has(position));
  const stuck = left.reduce((first, one) => (one.ended < first.ended ? one : first));
  const last = longest.length > 0 ? requests[longest.at(-1)!] : undefined;
  return `no order explains the ${requests.length} requests about "${stuck.object}": ${last ? `after ${requestText(last)}, ${answerText(last)},` : 'at the beginning'} nothing fits ${requestText(stuck)}, ${answerText(stuck)}`;
}

function answerText({ outcome, operation, status, value, revision }: Request): string {
  if (outcome === 'refused') return `refused with ${status}`;
  if (outcome === 'unknown') return 'not answered';
  if (operation === 'get') return revision === undefined && value === undefined ? 'which found no object' : `which read "${value}" ${revisionText(revision)}`;
  return operation === 'delete' ? 'acknowledged' : `acknowledged ${revisionText(revision)}`;
}
