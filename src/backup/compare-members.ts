import { z } from 'zod';
import type { Revisions } from '../bolt/key-space.ts';

/** What a member says to HashKV: a hash, or why there is none. */
export type HashAnswer = { readonly hash: number; readonly compactRevision: number } | 'not reached' | 'behind' | 'compacted';

export interface MemberAnswer {
  readonly member: string;
  readonly answer: HashAnswer;
}

const verdicts = ['equal', 'different', 'not comparable', 'not reached'] as const;

export interface MemberVerdict {
  readonly member: string;
  readonly verdict: (typeof verdicts)[number];
  readonly hash?: number | undefined;
  readonly compactRevision?: number | undefined;
}

/** As entries have them. */
export const memberVerdicts = z.array(z.object({ member: z.string(), verdict: z.enum(verdicts), hash: z.number().optional(), compactRevision: z.number().optional() }));

/** The file's own hash at its revision, as a member has it that says `compacted`: see `hashKvOf`. */
export type HashOfFile = (compacted: number) => Promise<number>;

/** What all members' answers for the file's own revision say of the file. A member that has not come as far as the file, has not compacted as far, or farther than its revision, cannot be compared with it. */
export async function compareMembers({ compacted }: Pick<Revisions, 'compacted'>, answers: readonly MemberAnswer[], hashOf: HashOfFile): Promise<readonly MemberVerdict[]> {
  const own = new Map<number, number>();
  const found: MemberVerdict[] = [];
  for (const { member, answer } of answers) {
    if (answer === 'not reached') found.push({ member, verdict: 'not reached' });
    else if (answer === 'compacted' || answer === 'behind') found.push({ member, verdict: 'not comparable' });
    else if (answer.compactRevision < compacted) found.push({ member, verdict: 'not comparable', ...answer });
    else {
      const mine = own.get(answer.compactRevision) ?? (await hashOf(answer.compactRevision));
      own.set(answer.compactRevision, mine);
      found.push({ member, verdict: mine === answer.hash ? 'equal' : 'different', ...answer });
    }
  }
  return found;
}

/** Where members have something else than a file. */
interface Compared {
  /** That it comes from. */
  readonly member: string;
  readonly revision: number;
  readonly hashes: readonly MemberVerdict[];
}

/** Whether the member that a file comes from, or most members that could be compared, have something else. */
export function isDiverged({ member, hashes }: Pick<Compared, 'member' | 'hashes'>): boolean {
  const [equal, different] = (['equal', 'different'] as const).map((wanted) => hashes.filter(({ verdict }) => verdict === wanted));
  return different!.length > equal!.length || different!.some((one) => one.member === member);
}

/** In a sentence. */
export function divergence({ member, revision, hashes }: Compared): string {
  const other = hashes.filter(({ verdict }) => verdict === 'different').map((one) => one.member);
  return `what etcd on ${member} sent differs at revision ${revision} from what ${other.join(' and ')} say they have`;
}
