import type { Base, Point } from '../../backup/points.ts';

export function sentence(base: Base): string {
  const agree = base.hashes.filter(({ verdict }) => verdict === 'equal').length;
  return `base ${base.number}: revision ${base.revision} of etcd on ${base.member}, ${base.hashChecked ? `hash-checked with ${agree} of ${base.hashes.length} members` : 'taken'}${base.quorum ? '' : ', without a quorum'}`;
}

export function pointSentence({ base, revision, time }: Point): string {
  return revision === base.revision ? sentence(base) : `revision ${revision}, captured ${new Date(time).toISOString()}, from base ${base.number} and ${revision - base.revision} revisions of the log`;
}

/** For a table. */
export function stateOf({ hashChecked, quorum }: Base): string {
  return ['taken', ...(hashChecked ? ['hash-checked'] : []), ...(quorum ? [] : ['no quorum'])].join(', ');
}
