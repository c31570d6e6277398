import type { Hashed } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { countOf, listText } from '../report/figure-text.ts';
import { giveVerdict } from './_give-verdict.ts';

const promise = 'All etcd members have the same keys: when the cluster is healthy again, their hashes at one revision are equal.';

type Answer = Hashed & Required<Pick<Hashed, 'hash' | 'revision' | 'compactRevision'>>;

/**
 * C-hash. Members may have been asked several times: one revision that all of them hashed is enough, and two that differ anywhere are a breach. Only hashes
 * with the same compacted revision are compared, since what is compacted is left out of them. Every member has a record, also where it did not answer.
 */
export const sameHashes: Checker = ({ records }) => {
  const asked = records.filter((record) => record.kind === 'hash');
  const answers = asked.filter((one): one is Answer => one.hash !== undefined && one.revision !== undefined && one.compactRevision !== undefined);
  const members = [...new Set(asked.map(({ host }) => host))].sort();
  const groups = [...Map.groupBy(answers, ({ revision, compactRevision }) => `${revision} ${compactRevision}`).values()];
  const compared = groups.filter((group) => new Set(group.map(({ host }) => host)).size === members.length);
  const silent = members.filter((member) => !answers.some(({ host }) => host === member));
  return giveVerdict({
    guarantee: 'C-hash',
    promise,
    found: `${countOf(members.length, 'member')}${compared.length > 0 ? `, compared at revision ${listText(compared.map(([first]) => String(first!.revision)))}` : ''}`,
    breaches: groups.filter((group) => new Set(group.map(({ hash }) => hash)).size > 1).map(differenceText),
    doubt:
      members.length === 0 ? 'no member was asked'
      : silent.length > 0 ? `no hash of ${listText(silent.map((host) => `${host}${errorOf(host, asked)}`))}`
      : compared.length === 0 ? 'no revision was hashed by all of them'
      : undefined,
  });
};

function differenceText(group: readonly Answer[]): string {
  const [{ revision }] = group as readonly [Answer];
  return `at revision ${revision} ${listText(group.map(({ host, hash }) => `${host} has ${hash.toString(16).padStart(8, '0')}`))}`;
}

function errorOf(member: string, asked: readonly Hashed[]): string {
  const error = asked.findLast(({ host }) => host === member)?.error;
  return error ? ` (${error})` : '';
}
