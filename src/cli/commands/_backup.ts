import type { Base, Point } from '../../backup/points.ts';
import type { VerdictBody } from '../../backup/verdicts.ts';

export function sentence(base: Base): string {
  const agree = base.hashes.filter(({ verdict }) => verdict === 'equal').length;
  return `base ${base.number}: revision ${base.revision} of etcd on ${base.member}, ${base.hashChecked ? `hash-checked with ${agree} of ${base.hashes.length} members` : 'taken'}${base.quorum ? '' : ', without a quorum'}`;
}

export function pointSentence({ base, revision, time }: Point): string {
  return revision === base.revision ? sentence(base) : `revision ${revision}, captured ${new Date(time).toISOString()}, from base ${base.number} and ${revision - base.revision} revisions of the log`;
}

/** For a table. `rehearsed`: numbers of bases from which a point was replayed that held. */
export function stateOf({ number, hashChecked, diverged, quorum }: Base, rehearsed: ReadonlySet<number>): string {
  if (diverged) return 'diverged: not to be used';
  return ['taken', ...(hashChecked ? ['hash-checked'] : []), ...(rehearsed.has(number) ? ['rehearsed'] : []), ...(quorum ? [] : ['no quorum'])].join(', ');
}

/** What a replay found, for people. */
export function verdictText(point: Point, verdict: VerdictBody, entry: number | undefined): string {
  const { outcome, listed, took, problems, etcd, kubernetes, revision } = verdict;
  return [
    `${outcome}: ${pointSentence(point)}`,
    stateSentence(verdict),
    ...(listed ? [`kube-apiserver ${kubernetes} on etcd ${etcd} listed ${listed.objects} objects of ${listed.resources} resources`] : []),
    ...(listed?.leftOut ?? []).map(({ what, why }) => `left out: ${what}: ${why}`),
    ...problems.map((problem) => `- ${problem}`),
    `took ${Math.round(took / 1000)} s; ${entry === undefined ? 'not recorded: this computer has no keys that write to the repository' : `recorded as entry ${entry}`}`,
    ...(outcome === 'broken' ? [`Next: kubekeep backup verify --data all, and kubekeep restore verify --at another point than revision ${revision}`] : []),
  ].join('\n');
}

/** With whom the state was compared. */
function stateSentence({ state, revision }: VerdictBody): string {
  const equal = state?.members.filter(({ verdict }) => verdict === 'equal').map(({ member }) => member) ?? [];
  if (!state || equal.length === 0) return 'the state is compared with no member';
  const later = revision - state.revision;
  return `the state at revision ${state.revision} is that of ${equal.join(', ')} by HashKV${later === 0 ? '' : `; ${later} more revisions were replayed, each to its own number`}`;
}
