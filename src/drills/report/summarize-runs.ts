import { connectionKinds, type ConnectionKind } from '../history/record.ts';
import { verdictStates, type VerdictState } from '../history/verdict.ts';
import { median } from './median.ts';
import type { DrilledFault, DrillRun, LaneFigures } from './drill-run.ts';

/** All runs of one fault in one set-up. */
export interface RunsSummary {
  readonly fault: DrilledFault;
  readonly setup: string;
  readonly runs: number;
  /** Of the write lanes through the VIP, one for each kind of connection that was measured. */
  readonly gaps: readonly GapSummary[];
  /** Requests of the write lanes through the VIP, and how many of them were not acknowledged. */
  readonly requests: number;
  readonly failed: number;
  readonly lost: LostWrites;
  /** The worst of all verdicts; `unknown` where nothing was judged. */
  readonly verdict: VerdictState;
  readonly verdicts: Readonly<Record<VerdictState, number>>;
  readonly notRestored: number;
  /** Whether all gaps that have a target are within it. */
  readonly target: 'met' | 'missed' | 'none';
}

export interface GapSummary {
  readonly connection: ConnectionKind;
  /** The longest gap of each run in milliseconds, in the order of the runs. */
  readonly values: readonly { readonly run: string; readonly gap: number; readonly dead: boolean }[];
  readonly p50: number;
  readonly max: number;
  readonly failed: number;
  readonly requests: number;
  /** Runs at whose end this lane was still dead: their gap is only the part that was seen. */
  readonly dead: number;
  /** In milliseconds. */
  readonly target?: { readonly p50: number; readonly max: number };
  readonly met?: boolean;
}

/** Acknowledged writes that were not there at the end; `exact` is false where that many are known and there may be more. */
export interface LostWrites {
  readonly count: number;
  readonly exact: boolean;
}

/** One summary for each fault and set-up, in the order in which they first appear. */
export function summarizeRuns(runs: readonly DrillRun[]): RunsSummary[] {
  const groups = Map.groupBy(runs, ({ fault, setup }) => JSON.stringify([fault.id, setup]));
  const faults = [...new Set(runs.map(({ fault }) => fault.id))];
  return [...groups.values()].map(summarizeGroup).sort((a, b) => faults.indexOf(a.fault.id) - faults.indexOf(b.fault.id));
}

/** The worst of some verdicts: unknown never counts as held, so no verdict at all is unknown. */
export function worstVerdict(run: Pick<DrillRun, 'verdicts'>): VerdictState {
  const states = run.verdicts.map(({ state }) => state);
  return states.includes('broken') ? 'broken' : states.length === 0 || states.includes('unknown') ? 'unknown' : 'held';
}

/**
 * What was lost in one run, as the checker of acknowledged writes says it: its breaches are of more kinds, and the first ten only.
 * @internal also for tests
 */
export function lostWritesOf(run: Pick<DrillRun, 'verdicts'>): LostWrites {
  const verdict = run.verdicts.find(({ guarantee }) => guarantee === 'C-ack');
  if (!verdict || verdict.state === 'unknown') return { count: 0, exact: false };
  if (verdict.state === 'held') return { count: 0, exact: true };
  const said = /\b(\d[\d,]*) lost\b/.exec(verdict.found)?.[1];
  return said === undefined ? { count: 0, exact: false } : { count: Number(said.replaceAll(',', '')), exact: true };
}

/** The lanes whose gaps are the run's result: writes through the VIP. */
export function measuredLanes(run: Pick<DrillRun, 'lanes'>): LaneFigures[] {
  return run.lanes.filter(({ workload, door }) => workload === 'write' && door === 'VIP');
}

function summarizeGroup(runs: readonly DrillRun[]): RunsSummary {
  const gaps = connectionKinds.flatMap((connection) => gapsOf(connection, runs));
  const lost = runs.map(lostWritesOf);
  const states = runs.map(worstVerdict);
  const judged = gaps.flatMap(({ met }) => (met === undefined ? [] : [met]));
  const verdicts = runs.flatMap((run) => run.verdicts);
  return {
    fault: runs[0]!.fault,
    setup: runs[0]!.setup,
    runs: runs.length,
    gaps,
    requests: sum(gaps.map(({ requests }) => requests)),
    failed: sum(gaps.map(({ failed }) => failed)),
    lost: { count: sum(lost.map(({ count }) => count)), exact: lost.every(({ exact }) => exact) },
    verdict: states.includes('broken') ? 'broken' : states.includes('unknown') ? 'unknown' : 'held',
    verdicts: Object.fromEntries(verdictStates.map((state) => [state, verdicts.filter((one) => one.state === state).length])) as Record<VerdictState, number>,
    notRestored: runs.filter(({ restored }) => !restored).length,
    target: judged.length === 0 ? 'none' : judged.every((met) => met) ? 'met' : 'missed',
  };
}

function gapsOf(connection: ConnectionKind, runs: readonly DrillRun[]): GapSummary[] {
  const lanesOfRuns = runs.map((run) => ({ run: run.id, lanes: measuredLanes(run).filter((lane) => lane.connection === connection) })).filter(({ lanes }) => lanes.length > 0);
  if (lanesOfRuns.length === 0) return [];
  const values = lanesOfRuns.map(({ run, lanes }) => ({ run, gap: Math.max(...lanes.map(({ longestGap }) => longestGap)), dead: lanes.some(({ dead }) => dead) }));
  const lanes = lanesOfRuns.flatMap((one) => one.lanes);
  const p50 = median(values.map(({ gap }) => gap));
  const max = Math.max(...values.map(({ gap }) => gap));
  const dead = values.filter((value) => value.dead).length;
  const aim = connection === 'reused, short' ? undefined : runs.findLast((run) => run.target)?.target?.[connection];
  return [
    {
      connection,
      values,
      p50,
      max,
      dead,
      failed: sum(lanes.map(({ refused, unknown }) => refused + unknown)),
      requests: sum(lanes.map(({ requests }) => requests)),
      ...(aim && { target: { p50: aim[0] * 1000, max: aim[1] * 1000 }, met: dead === 0 && p50 <= aim[0] * 1000 && max <= aim[1] * 1000 }),
    },
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
