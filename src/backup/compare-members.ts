import type { Revisions } from '../bolt/key-space.ts';
import { KubekeepError } from '../lib/errors.ts';

/** What a member says to HashKV: a hash, or why there is none. */
export type HashAnswer = { readonly hash: number; readonly compactRevision: number } | 'not reached' | 'behind' | 'compacted';

export interface MemberAnswer {
  readonly member: string;
  readonly answer: HashAnswer;
}

export const verdicts = ['equal', 'different', 'not comparable', 'not reached'] as const;

export interface MemberVerdict {
  readonly member: string;
  readonly verdict: (typeof verdicts)[number];
  readonly hash?: number | undefined;
  readonly compactRevision?: number | undefined;
}

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

/** Throws `data-damaged` where the member that the file comes from, or most others, have something else. */
export function refuseDiverged(found: readonly MemberVerdict[], member: string, revision: number): void {
  const count = (wanted: MemberVerdict['verdict']) => found.filter(({ verdict }) => verdict === wanted).length;
  const other = found.filter(({ verdict }) => verdict === 'different').map((one) => one.member);
  if (!other.includes(member) && count('different') <= count('equal')) return;
  throw new KubekeepError('data-damaged', `what etcd on ${member} sent differs at revision ${revision} from what ${other.join(' and ')} say they have`, { hint: 'kubekeep status shows which member is wrong. Nothing was added to the chain.' });
}
