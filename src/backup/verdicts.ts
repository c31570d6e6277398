import { z } from 'zod';
import type { Chain } from './chain.ts';
import { memberVerdicts } from './compare-members.ts';
import { damaged } from './format/encrypted-object.ts';
import { entryName } from './format/chain-entry.ts';

/** What a replay of a point found: docs/design/repository-format.md, section 8. */
const verdictSchema = z.object({
  timeline: z.string(),
  /** What was replayed: the base by its number, and the revisions of the log after it, where there were any. */
  base: z.number(),
  log: z.object({ first: z.number(), last: z.number() }).optional(),
  /** The point's. */
  revision: z.number(),
  /** What members had said of that revision, compared with what was replayed; undefined where none is known. */
  state: z.object({ revision: z.number(), members: memberVerdicts }).optional(),
  /** Versions of the programs that read it. */
  etcd: z.string(),
  kubernetes: z.string(),
  /** What a real API server listed of it; undefined where it did not come so far. */
  listed: z.object({ objects: z.number(), resources: z.number(), leftOut: z.array(z.object({ what: z.string(), why: z.string() })) }).optional(),
  /** Unix time in ms at which it began, and how many ms it took. */
  time: z.number(),
  took: z.number(),
  /** `held`: it is what members had, and all of it can be read. `degraded`: not all could be looked at. `broken`: it is not. */
  outcome: z.enum(['held', 'degraded', 'broken']),
  /** Why it did not hold, one sentence each. */
  problems: z.array(z.string()),
});

export type VerdictBody = z.output<typeof verdictSchema>;

/** A verdict that is in the chain. */
export interface Verdict extends VerdictBody {
  /** Of its entry. */
  readonly number: number;
  /** Who says so: 32 hexadecimal digits. */
  readonly writer: string;
}

/** In the order in which they came into the chain. Throws `repository-damaged`. */
export function verdictsOf({ entries }: Pick<Chain, 'entries'>): readonly Verdict[] {
  return entries.flatMap(({ kind, number, writer, body }) => {
    if (kind !== 'verdict') return [];
    const read = verdictSchema.safeParse(body);
    if (!read.success) throw damaged(entryName(number), 'it is no verdict that this release understands');
    return [{ ...read.data, number, writer }];
  });
}

/** Numbers of the bases from which a point was replayed that held, and none was found broken later. */
export function rehearsedBases(chain: Pick<Chain, 'entries'>): ReadonlySet<number> {
  const told = new Map(verdictsOf(chain).flatMap(({ base, outcome }) => (outcome === 'degraded' ? [] : [[base, outcome]])));
  return new Set([...told].flatMap(([base, outcome]) => (outcome === 'held' ? [base] : [])));
}
