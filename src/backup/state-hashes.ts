import type { Chain } from './chain.ts';
import { logOf, type StateHashes } from './change-log/coverage.ts';
import { basesOf } from './points.ts';

/** Part of a timeline, both ends in it. */
interface Range {
  readonly timeline: string;
  readonly first: number;
  readonly last: number;
}

/** What members said they had at the newest revision in a range that the chain knows it of, from bases and from the log; undefined where it knows none. */
export function newestHashes(chain: Pick<Chain, 'entries'>, { timeline, first, last }: Range): StateHashes | undefined {
  const ofBases = basesOf(chain).flatMap((base): readonly StateHashes[] => {
    const members = base.hashes.flatMap(({ member, hash, compactRevision }) => (hash === undefined || compactRevision === undefined ? [] : [{ member, hash, compactRevision }]));
    return base.timeline === timeline && members.length > 0 ? [{ revision: base.revision, members }] : [];
  });
  const ofLog = logOf(chain, timeline).flatMap((part) => (part.kind === 'segment' && part.hashes ? [part.hashes] : []));
  const within = [...ofBases, ...ofLog].filter(({ revision }) => revision >= first && revision <= last);
  return within.reduce<StateHashes | undefined>((newest, one) => (newest && newest.revision >= one.revision ? newest : one), undefined);
}
