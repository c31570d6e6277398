import type { Verdict } from '../history/verdict.ts';

interface Findings {
  readonly guarantee: string;
  readonly promise: string;
  readonly found: string;
  /** All of them; the verdict keeps the first ten. */
  readonly breaches: readonly string[];
  /** Why a run without a breach is still not known to have kept the promise; undefined where it is. */
  readonly doubt: string | undefined;
}

const mostBreaches = 10;

/** A breach counts whatever else is in doubt; what is in doubt never counts as held. */
export function giveVerdict({ guarantee, promise, found, breaches, doubt }: Findings): Verdict {
  return {
    guarantee,
    state: breaches.length > 0 ? 'broken' : doubt === undefined ? 'held' : 'unknown',
    promise,
    found: doubt === undefined ? found : `${found}; ${doubt}`,
    breaches: breaches.slice(0, mostBreaches),
  };
}
