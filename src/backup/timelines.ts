import { z } from 'zod';
import type { Chain } from './chain.ts';
import { entryName } from './format/chain-entry.ts';
import { damaged } from './format/encrypted-object.ts';
import type { ReadEntry } from './read-entry.ts';
import type { SigningKey } from './repository-keys.ts';

const timelineSchema = z.object({
  /** The one that begins: etcd's cluster id in hexadecimal digits, and the number of restores before. */
  timeline: z.string(),
  /** Unix time in ms. */
  time: z.number(),
  /** Its first revision. */
  first: z.number(),
  /** The point that it goes on from; none where data was put back that is in no repository, and where who noted it does not know. */
  from: z.object({ timeline: z.string(), base: z.number(), revision: z.number() }).optional(),
});

/** The beginning of a history of etcd that does not follow on the one before it: a restore of the whole cluster. */
export type TimelineStart = z.output<typeof timelineSchema>;

/** In the order of the chain. */
function timelineStarts({ entries }: Pick<Chain, 'entries'>): readonly TimelineStart[] {
  return entries.filter(({ kind }) => kind === 'timeline').map(({ number, body }) => {
    const read = timelineSchema.safeParse(body);
    if (!read.success) throw damaged(entryName(number), 'it is no beginning of a timeline that this release understands');
    return read.data;
  });
}

/** Says once that a timeline begins. */
export async function appendTimeline({ chain }: { readonly chain: Chain }, key: SigningKey, start: TimelineStart): Promise<void> {
  await chain.append('timeline', key, (entries) => (timelineStarts({ entries }).some(({ timeline }) => timeline === start.timeline) ? undefined : start));
}

/** For the first base of a timeline: says that it begins where other timelines are known and nobody has said so, as where the repository was away during a restore. */
export async function appendUnsaid({ chain }: { readonly chain: Chain }, key: SigningKey, start: TimelineStart): Promise<void> {
  await chain.append('timeline', key, (entries) => {
    const known = entries.flatMap(timelinesIn);
    return known.length > 0 && !known.includes(start.timeline) ? start : undefined;
  });
}

/** Also the one that another goes on from, of which nothing may be left. */
function timelinesIn({ body }: ReadEntry): readonly string[] {
  const { timeline, from } = (body ?? {}) as { readonly timeline?: string; readonly from?: { readonly timeline?: string } };
  return [timeline, from?.timeline].filter((one) => one !== undefined);
}

/** The timeline that had begun last at a time; undefined where none had begun by an entry, which the first one does not. Throws `repository-damaged`. */
export function startedBefore(chain: Pick<Chain, 'entries'>, time: number): TimelineStart | undefined {
  return timelineStarts(chain).findLast((start) => start.time <= time);
}
