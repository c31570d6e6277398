import { countOf } from '../report/figure-text.ts';
import type { Request } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { requestText, revisionText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';

const promise = 'Revisions never go back: after an answer nobody gets an older revision of the same object, and every new object has a greater revision than all that were seen before.';

/** A request whose answer has a revision. */
type Answered = Request & { readonly revision: number };

/**
 * C-rev. Two requests are compared where one was sent after the other one's answer, whatever their lanes. A new object's revision is compared with those of all
 * objects, since etcd counts for all together: a store that was put back to an older state shows there.
 */
export const revisions: Checker = ({ records }) => {
  const answered = records.filter((record): record is Answered => record.kind === 'request' && record.outcome === 'acknowledged' && record.revision !== undefined);
  const perObject = [...Map.groupBy(answered, ({ object }) => object).values()].map((about) => decreases(about, about));
  const created = answered.filter(({ operation }) => operation === 'create');
  const all = [...perObject, decreases(created, answered, { equal: true })];
  const pairs = all.reduce((sum, { compared }) => sum + compared, 0);
  // A creation that is behind its own object is found twice.
  const breaches = new Map(all.flatMap(({ found }) => found).map(({ before, after }) => [after, breachText(before, after)]));
  return giveVerdict({
    guarantee: 'C-rev',
    promise,
    found: `${countOf(answered.length, 'answer')} with a revision, ${breaches.size} older than one before`,
    breaches: [...breaches.values()],
    doubt: pairs === 0 ? 'no two of them came one after the other' : undefined,
  });
};

interface Decrease {
  readonly before: Answered;
  readonly after: Answered;
}

/** Of `later`, those with a smaller revision (or an equal one, where that is wrong too) than one of `earlier` that was answered before they were sent. */
function decreases(later: readonly Answered[], earlier: readonly Answered[], { equal = false } = {}): { readonly compared: number; readonly found: Decrease[] } {
  const byEnd = earlier.toSorted((a, b) => a.ended - b.ended);
  const found: Decrease[] = [];
  let compared = 0;
  let position = 0;
  let greatest: Answered | undefined;
  for (const after of later.toSorted((a, b) => a.sent - b.sent)) {
    for (; position < byEnd.length && byEnd[position]!.ended < after.sent; position++) {
      if (!greatest || byEnd[position]!.revision > greatest.revision) greatest = byEnd[position]!;
    }
    if (!greatest) continue;
    compared++;
    if (after.revision < greatest.revision || (equal && after.revision === greatest.revision)) found.push({ before: greatest, after });
  }
  return { compared, found };
}

function breachText(before: Answered, after: Answered): string {
  return `${requestText(after)} was answered ${revisionText(after.revision)}, after ${requestText(before)} was answered ${revisionText(before.revision)}`;
}
