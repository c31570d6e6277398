import { isSignedBy } from '../../pki/sign-statement.ts';
import { longestLife, permitFormat, signedPermit, wordsOf, type DrillPermit } from './permit.ts';

/** `reason` continues the sentence "the permit …". */
export type PermitVerdict = { readonly ok: true; readonly permit: DrillPermit } | { readonly ok: false; readonly reason: string };

export interface PermitQuestion {
  readonly clusterId: string;
  /** Certificate of the cluster's Kubernetes CA, PEM. */
  readonly ca: string;
  /** Ids of the faults that are to be run. */
  readonly faults: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
}

/** Whether the text of a permit's file allows these faults on this cluster now. */
export function judgePermit(file: string, question: PermitQuestion): PermitVerdict {
  const read = signedPermit.safeParse(parseJson(file));
  if (!read.success) return { ok: false, reason: `is damaged, or no permit: ${read.error.issues[0]!.path.join('.') || 'the whole file'} is not as expected` };
  const { permit, signature } = read.data;
  // Another cluster first: its signature would not fit either, and would say less.
  const reason = ofAnother(permit, question) ?? unsigned(permit, signature, question) ?? tooLong(permit) ?? outOfTime(permit, question) ?? unnamed(permit, question);
  return reason === undefined ? { ok: true, permit } : { ok: false, reason };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function ofAnother({ cluster, clusterId: theirs }: DrillPermit, { clusterId }: PermitQuestion): string | undefined {
  return theirs === clusterId ? undefined : `is for another cluster (${cluster}, id ${theirs.slice(0, 12)}), not for the one with the id ${clusterId.slice(0, 12)}`;
}

function unsigned(permit: DrillPermit, signature: string, { ca }: PermitQuestion): string | undefined {
  return isSignedBy(ca, permitFormat, wordsOf(permit), signature) ? undefined : 'has a signature that does not fit: it was changed after it was signed, or not signed with the key of this cluster';
}

function tooLong({ notBefore, expires }: DrillPermit): string | undefined {
  const hours = (Date.parse(expires) - Date.parse(notBefore)) / 3_600_000;
  return hours <= longestLife ? undefined : `is for ${Math.ceil(hours)} hours, and ${longestLife} are the most`;
}

function outOfTime({ notBefore, expires }: DrillPermit, { now }: PermitQuestion): string | undefined {
  if (now < Date.parse(notBefore)) return `is not valid before ${notBefore}`;
  return now < Date.parse(expires) ? undefined : `expired at ${expires}`;
}

function unnamed({ faults: allowed }: DrillPermit, { faults }: PermitQuestion): string | undefined {
  const others = faults.filter((fault) => !allowed.includes(fault));
  return others.length === 0 ? undefined : `does not name ${others.join(', ')}; it is for ${allowed.join(', ')}`;
}
