import type { Base } from '../../backup/points.ts';

export function sentence(base: Base): string {
  const agree = base.hashes.filter(({ verdict }) => verdict === 'equal').length;
  return `base ${base.number}: revision ${base.revision} of etcd on ${base.member}, ${base.hashChecked ? `hash-checked with ${agree} of ${base.hashes.length} members` : 'taken'}`;
}
