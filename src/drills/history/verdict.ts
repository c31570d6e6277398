import type { DrillRecord } from './record.ts';

/** What a checker says. `unknown` is what it could not tell (a damaged history, too little time) and never counts as held. */
export const verdictStates = ['held', 'unknown', 'broken'] as const;
export type VerdictState = (typeof verdictStates)[number];

export interface Verdict {
  /** The checker's id, for example "C-ack". */
  readonly guarantee: string;
  readonly state: VerdictState;
  /** The promise, word for word as the checker quotes it. */
  readonly promise: string;
  /** Figures for the reader, for example "5,021 acknowledged writes, 0 lost". */
  readonly found: string;
  /** Up to ten breaches, each a sentence with object, lane and times. */
  readonly breaches: readonly string[];
}

/** What a checker is given: the whole run. */
export interface Evidence {
  readonly records: readonly DrillRecord[];
  /** What existed at the end, read from the API after the cluster was healthy: name to resourceVersion and value; undefined where it could not be read. */
  readonly finally: ReadonlyMap<string, { readonly revision: number; readonly value: string }> | undefined;
  /** Lines of the history that could not be read, "line 12: not JSON". */
  readonly damage: readonly string[];
}

/** A pure function of the evidence. */
export type Checker = (evidence: Evidence) => Verdict;
