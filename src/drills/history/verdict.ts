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
  /** What the run's fault may do; absent where nothing is known of it. */
  readonly allowed?: Allowance;
  /** Tokens of a service account, issued and looked at by every API server after the cluster was healthy; absent where that was not done. */
  readonly tokens?: readonly TokenCheck[];
}

/** What a fault may do to clients and to the VIP. */
export interface Allowance {
  /** Longest time in seconds in which a lane through the VIP gets no answer, or has requests fail, by its kind of connection. */
  readonly limit: { readonly new: number; readonly reused: number };
  /** No request to a service may fail; that some do is no breach unless given. */
  readonly noVisitFails?: boolean;
  /** Nothing that the VIP needs is touched, so it stays where it is. */
  readonly vipStays: boolean;
  /** Seconds in all for which two balancers may have the VIP; none unless given. */
  readonly bothHold?: number;
}

/** Whether one API server accepts a token that another one, or it itself, has issued. */
export interface TokenCheck {
  readonly issuer: string;
  readonly verifier: string;
  readonly accepted: boolean;
}

/** A pure function of the evidence. */
export type Checker = (evidence: Evidence) => Verdict;
