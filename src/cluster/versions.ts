/** Programs whose versions are the user's choice. */
export type VersionedProgram = 'kubernetes' | 'etcd';

export interface Refusal {
  /** Why, as the rest of a sentence that begins with the version: "is not supported by …". */
  readonly reason: string;
  /** The version to take instead. */
  readonly fixedIn: string;
}

/** Why this release does not run a version, or undefined where it does. The version is strict: three numbers, no `v`, no suffix. */
export function refuseVersion(program: VersionedProgram, version: string): Refusal | undefined {
  const numbers = parseVersion(version);
  const newest = supported.findLast((line) => line.program === program)!;
  if (numbers === undefined) return { reason: 'is not a version with three numbers', fixedIn: newest.tested };
  const blocked = blockList.find((entry) => entry.program === program && compare(numbers, entry.from) >= 0 && compare(numbers, entry.before) < 0);
  if (blocked) return { reason: blocked.reason, fixedIn: blocked.fixedIn };
  if (supported.some((line) => line.program === program && inMinor(version, line.minor))) return undefined;
  return { reason: `is not supported by this release, which runs ${minorsOf(program)}`, fixedIn: newest.tested };
}

/** Why two versions do not go together, or undefined where they do. */
export function refuseCombination(kubernetes: string, etcd: string): Refusal | undefined {
  const pair = combinations.find((one) => inMinor(kubernetes, one.kubernetes));
  if (pair === undefined || pair.etcd.some((minor) => inMinor(etcd, minor))) return undefined;
  return { reason: `does not go with Kubernetes ${kubernetes}, which needs etcd ${pair.etcd.join(' or ')}`, fixedIn: supported.findLast(({ program }) => program === 'etcd')!.tested };
}

/** What this release runs; the last line of a program is its newest. */
const supported: readonly { readonly program: VersionedProgram; readonly minor: string; readonly tested: string }[] = [
  { program: 'kubernetes', minor: '1.37', tested: '1.37.2' },
  { program: 'etcd', minor: '3.6', tested: '3.6.16' },
  { program: 'etcd', minor: '3.7', tested: '3.7.3' },
];

const combinations: readonly { readonly kubernetes: string; readonly etcd: readonly string[] }[] = [{ kubernetes: '1.37', etcd: ['3.6', '3.7'] }];

/** Versions with known harm: from the first affected one to before the first without it. Of several harms the first in the table is named. */
const blockList: readonly { readonly program: VersionedProgram; readonly from: string; readonly before: string; readonly fixedIn: string; readonly reason: string }[] = [
  { program: 'etcd', from: '3.6.0', before: '3.6.5', fixedIn: '3.6.14', reason: 'can corrupt its data when a received snapshot meets a defragmentation' },
  { program: 'etcd', from: '3.6.5', before: '3.6.9', fixedIn: '3.6.14', reason: 'answers with stale data after a pause of its process, and its authentication can be bypassed' },
  { program: 'etcd', from: '3.6.9', before: '3.6.11', fixedIn: '3.6.14', reason: 'refuses new members while one is down, although the others have quorum' },
  { program: 'etcd', from: '3.6.11', before: '3.6.12', fixedIn: '3.6.14', reason: 'silently promotes a learner when its member is updated' },
  { program: 'etcd', from: '3.6.12', before: '3.6.14', fixedIn: '3.6.14', reason: 'checks the permissions of watches wrongly (GHSA-xg4h-6gfc-h4m8)' },
  { program: 'etcd', from: '3.7.0', before: '3.7.1', fixedIn: '3.7.1', reason: 'checks the permissions of watches wrongly (GHSA-xg4h-6gfc-h4m8)' },
];

/** Three numbers, or undefined: no `v`, no suffix, no leading zeros. */
export function parseVersion(version: string): readonly [number, number, number] | undefined {
  const match = /^(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.exec(version);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

function compare(numbers: readonly number[], other: string): number {
  const against = parseVersion(other)!;
  for (const [position, number] of numbers.entries()) {
    if (number !== against[position]) return number - against[position]!;
  }
  return 0;
}

function inMinor(version: string, minor: string): boolean {
  return version.startsWith(`${minor}.`);
}

function minorsOf(program: VersionedProgram): string {
  return supported.filter((line) => line.program === program).map((line) => `${line.minor}.x`).join(' and ');
}
