import { countOf, countText } from '../report/figure-text.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import type { Checker, Evidence } from '../history/verdict.ts';
import { requestText, revisionText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { lastWrites } from './_last-writes.ts';

const promise = 'What was acknowledged is there at the end, or something newer in its place: no acknowledged write is lost, and nothing that was refused exists.';

type Kept = { readonly revision: number; readonly value: string } | undefined;

/** C-ack: compares the acknowledged writes with what existed at the end. */
export const acknowledgedWrites: Checker = ({ records, finally: kept }) => {
  const writes = records.filter((record) => record.kind === 'request').filter(({ operation }) => operation !== 'get');
  const acknowledged = writes.filter(({ outcome }) => outcome === 'acknowledged').length;
  const unanswered = writes.filter(({ outcome }) => outcome === 'unknown');
  const objects = kept ? [...Map.groupBy(writes, ({ object }) => object)] : [];
  const lost = objects.flatMap(([object, about]) => lostBreach(about, kept!.get(object)) ?? []);
  const refused = objects.flatMap(([object, about]) => refusedBreach(about, kept!.get(object)) ?? []);
  const figures = [
    countOf(acknowledged, 'acknowledged write'),
    ...(kept ? [`${countText(lost.length)} lost`, ...(refused.length > 0 ? [`${countText(refused.length)} refused but there`] : [])] : []),
    ...(unanswered.length > 0 ? [`${countText(unanswered.length)} unanswered of which at least ${countText(applied(unanswered, records, kept))} happened`] : []),
  ];
  return giveVerdict({
    guarantee: 'C-ack',
    promise,
    found: figures.join(', '),
    breaches: [...lost, ...refused],
    doubt: !kept ? 'what exists at the end could not be read' : acknowledged === 0 ? 'nothing was acknowledged' : undefined,
  });
};

/** The last acknowledged write about an object, where what was there at the end is neither what it left nor what an unanswered one made of that. */
function lostBreach(writes: readonly Request[], kept: Kept): string | undefined {
  const candidates = lastWrites(writes.filter(({ outcome }) => outcome === 'acknowledged'));
  const last = candidates.at(-1);
  if (!last || candidates.some((one) => fits(one, kept))) return undefined;
  if (writes.some((write) => write.outcome === 'unknown' && candidates.some((one) => replaces(write, one, kept)))) return undefined;
  const refused = kept && writes.find(({ outcome, value }) => outcome === 'refused' && value !== undefined && value === kept.value);
  return `${requestText(last)} was acknowledged ${revisionText(last.revision)}; at the end ${keptText(kept)}${refused ? `, which was refused to lane "${refused.lane}"` : ''}`;
}

/** The state is what this write left. A rewrite by somebody else of what it left (as a migration does) loses nothing. */
function fits({ operation, revision, value }: Request, kept: Kept): boolean {
  if (operation === 'delete') return kept === undefined;
  if (!kept || (value !== undefined && value !== kept.value)) return false;
  return revision === undefined || (value === undefined ? kept.revision === revision : kept.revision >= revision);
}

/** The state is what an unanswered write would have left after the last acknowledged one. */
function replaces({ operation, expected, value }: Request, last: Request, kept: Kept): boolean {
  // A condition on what was there before the last acknowledged write did not hold any more.
  const oldest = last.operation === 'delete' ? (last.expected ?? -1) + 1 : (last.revision ?? 0);
  if (expected !== undefined && expected < oldest) return false;
  if (operation === 'delete') return kept === undefined;
  return kept !== undefined && value === kept.value && kept.revision > (last.revision ?? 0);
}

/** An object that nobody can have made except by requests that were refused. One with another value than theirs is older than the run. */
function refusedBreach(writes: readonly Request[], kept: Kept): string | undefined {
  if (!kept || writes.some(({ outcome }) => outcome !== 'refused')) return undefined;
  const refused = writes.find(({ operation, value }) => (value === undefined ? operation === 'create' : value === kept.value));
  return refused && `${requestText(refused)} was refused${refused.status === undefined ? '' : ` with ${refused.status}`}; at the end ${keptText(kept)}`;
}

function keptText(kept: Kept): string {
  return kept ? `there is "${kept.value}" ${revisionText(kept.revision)}` : 'there is no such object';
}

/** Unanswered writes whose value, which no other write has, was seen by somebody or is there at the end. */
function applied(unanswered: readonly Request[], records: readonly DrillRecord[], kept: Evidence['finally']): number {
  const textOf = (object: string, value: string) => JSON.stringify([object, value]);
  const seen = new Set<string>();
  for (const [object, { value }] of kept ?? []) seen.add(textOf(object, value));
  for (const record of records) {
    const read = record.kind === 'watched' || (record.kind === 'request' && record.operation === 'get');
    if (read && record.object !== undefined && record.value !== undefined) seen.add(textOf(record.object, record.value));
  }
  return unanswered.filter(({ object, value, operation }) => operation !== 'delete' && (value === undefined ? operation === 'create' && kept?.has(object) : seen.has(textOf(object, value)))).length;
}
