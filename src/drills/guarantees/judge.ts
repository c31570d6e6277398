import type { Checker, Evidence, Verdict } from '../history/verdict.ts';
import { acceptedTokens } from './accepted-tokens.ts';
import { acknowledgedWrites } from './acknowledged-writes.ts';
import { noDeadLane } from './availability.ts';
import { boundedGap } from './bounded-gap.ts';
import { converged } from './converged.ts';
import { linearizable } from './linearizable.ts';
import { noSecretSeen } from './no-secret-seen.ts';
import { revisions } from './revisions.ts';
import { sameHashes } from './same-hashes.ts';
import { truthful } from './truthful.ts';
import { undisturbed } from './undisturbed.ts';
import { vipHolders } from './vip-holders.ts';
import { watches } from './watches.ts';

/**
 * Every checker that can judge a history.
 * @internal also for tests
 */
export const checkers: readonly Checker[] = [
  acknowledgedWrites, linearizable, revisions, watches, sameHashes, noDeadLane, boundedGap, vipHolders, undisturbed, acceptedTokens, converged, noSecretSeen, truthful,
];

/**
 * One verdict of each checker. Where a part of the history cannot be read, nothing is held, since the breach may be in it; what is broken stays so. Tests may
 * leave a checker out.
 */
export function judge(evidence: Evidence, using: readonly Checker[] = checkers): Verdict[] {
  return using.map((check) => doubted(check(evidence), evidence.damage));
}

function doubted(verdict: Verdict, damage: readonly string[]): Verdict {
  if (damage.length === 0) return verdict;
  const more = damage.length > 1 ? ` and ${damage.length - 1} more` : '';
  return { ...verdict, state: verdict.state === 'held' ? 'unknown' : verdict.state, found: `${verdict.found}; the history is damaged (${damage[0]}${more})` };
}
