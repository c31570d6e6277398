import { countOf, countText } from '../report/figure-text.ts';
import type { Request, Watched } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { requestText, timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { gapsOf, watchesOf, type Watch } from './_single-watches.ts';

const promise = 'A watch delivers every change once, in the order of revisions and none from before its start, and a watch that is resumed misses nothing.';

/** An acknowledged creation or update. */
type Write = Request & { readonly revision: number };

/**
 * C-watch. A lane keeps one watch open after the other on everything that the run writes. A watch is held to the acknowledged writes with revisions after its
 * start and up to the last that it told, by event or bookmark; deletions, whose answers have no revision, show by an object that appears twice. What a lane
 * did not watch between a watch that ended with 410 and the list after it is allowed, and said.
 */
export const watches: Checker = ({ records }) => {
  const writes = records
    .filter((record): record is Write => record.kind === 'request' && record.outcome === 'acknowledged' && record.revision !== undefined && (record.operation === 'create' || record.operation === 'update'))
    .sort((a, b) => a.revision - b.revision);
  const all = watchesOf(records);
  const gaps = gapsOf(all);
  const events = all.flatMap(({ told }) => told).filter(({ type }) => type !== 'BOOKMARK').length;
  const wrong = all.flatMap((watch) => [...breachesOfOrder(watch), ...breachesOfPresence(watch)]);
  const missed = all.flatMap((watch) => breachesOfWrites(watch, writes));
  const relisted = gaps.filter(({ after410 }) => after410).length;
  const unexplained = gaps.length - relisted;
  return giveVerdict({
    guarantee: 'C-watch',
    promise,
    found: [
      `${countOf(all.length, 'watch', 'watches')} with ${countOf(events, 'event')}`,
      `${countText(missed.length)} missed or different`,
      `${countText(wrong.length)} doubled, out of order or out of place`,
      ...(relisted > 0 ? [`${countOf(relisted, 'gap')} after 410, closed by a new list`] : []),
    ].join(', '),
    breaches: [...missed, ...wrong],
    doubt: events === 0 ? 'no watch told anything' : unexplained > 0 ? `${countOf(unexplained, 'time')} a watch began later than the one before it had come, without 410` : undefined,
  });
};

/** Ordered, unique, nothing from before the start, nothing that a bookmark had said was over. */
function breachesOfOrder(watch: Watch): string[] {
  const breaches: string[] = [];
  const seen = new Set<string>();
  let newest = watch.from;
  let bookmark = -1;
  for (const event of watch.told) {
    const { type, revision } = event;
    const identity = `${revision} ${event.object}`;
    if (type === 'BOOKMARK' ? revision < watch.from : revision <= watch.from) breaches.push(`${eventText(event)} is not after the watch's start at revision ${watch.from}`);
    else if (revision < newest) breaches.push(`${eventText(event)} came after revision ${newest}`);
    else if (type !== 'BOOKMARK' && seen.has(identity)) breaches.push(`${eventText(event)} came twice`);
    else if (type !== 'BOOKMARK' && revision <= bookmark) breaches.push(`${eventText(event)} came after a bookmark of revision ${bookmark}`);
    if (type === 'BOOKMARK') bookmark = Math.max(bookmark, revision);
    else seen.add(identity);
    newest = Math.max(newest, revision);
  }
  return breaches;
}

/** An object is added once and deleted once in turn: otherwise an event between the two was missed. */
function breachesOfPresence({ told }: Watch): string[] {
  const there = new Map<string, boolean>();
  return told.flatMap((event) => {
    const { type, object } = event;
    if (type === 'BOOKMARK' || object === undefined) return [];
    const before = there.get(object);
    there.set(object, type !== 'DELETED');
    if (before === true && type === 'ADDED') return [`${eventText(event)} came without a deletion after it was there`];
    if (before === false && type !== 'ADDED') return [`${eventText(event)} came without a creation after it was deleted`];
    return [];
  });
}

/** Reliable and resumable: every acknowledged write that the watch went over was told, as it was written. */
function breachesOfWrites({ lane, from, reached, told }: Watch, writes: readonly Write[]): string[] {
  const byWrite = new Map(told.filter(({ type }) => type !== 'BOOKMARK').map((event) => [`${event.revision} ${event.object}`, event]));
  return writes.flatMap((write) => {
    if (write.revision <= from || write.revision > reached) return [];
    const event = byWrite.get(`${write.revision} ${write.object}`);
    if (!event) return [`the watch of lane "${lane}" from revision ${from} came to ${reached} without revision ${write.revision}: ${requestText(write)}`];
    const different = event.type === 'DELETED' || (write.value !== undefined && event.value !== undefined && event.value !== write.value);
    return different ? [`${eventText(event)} is not what was written: ${requestText(write)}`] : [];
  });
}

function eventText({ type, object, revision, value, lane, at }: Watched): string {
  return `${type}${object === undefined ? '' : ` of "${object}"`}${value === undefined ? '' : ` ("${value}")`} at revision ${revision} in the watch of lane "${lane}" at ${timeText(at)}`;
}
