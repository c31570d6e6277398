import { brokenIn, checkerIds, type Row } from './mutant-runs.ts';
import { plantedBreaches } from './planted-breaches.ts';

export interface Needed {
  readonly checker: string;
  /** What nobody would catch without it: mutants by their ids, and planted breaches. */
  readonly histories: readonly string[];
}

/** Judges every kept history again with each checker left out in turn: each has to be the only one that catches something. */
export function neededFor(rows: readonly Row[]): Needed[] {
  const kept = [
    ...rows.flatMap(({ mutant, shown: { outcome, evidence } }) => (outcome === 'caught' && evidence ? [{ name: mutant.id, evidence }] : [])),
    ...plantedBreaches.map(({ title, evidence }) => ({ name: `planted: ${title}`, evidence })),
  ];
  return checkerIds.map((checker) => ({
    checker,
    histories: kept.filter(({ evidence }) => brokenIn(evidence).length > 0 && brokenIn(evidence, checker).length === 0).map(({ name }) => name),
  }));
}
