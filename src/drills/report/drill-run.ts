import type { Lane } from '../history/record.ts';
import type { Verdict } from '../history/verdict.ts';

/** What one run of a drill came to. Its history is beside it, for whoever wants to judge it again. */
export interface DrillRun {
  /** Unique among the runs of a report. */
  readonly id: string;
  readonly fault: DrilledFault;
  /** "T3". */
  readonly topology: string;
  readonly cluster: string;
  readonly versions: { readonly kubernetes: string; readonly etcd: string; readonly haproxy?: string; readonly keepalived?: string };
  /** "kubekeep", or another set-up's name. */
  readonly setup: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly seed: number;
  readonly lanes: readonly LaneFigures[];
  readonly verdicts: readonly Verdict[];
  /** The cluster was healthy again after the fault was undone. */
  readonly restored: boolean;
  /** File name of the history (NDJSON), relative to the run's own file. */
  readonly history: string;
  readonly target?: GapTarget;
}

export interface DrilledFault {
  readonly id: string;
  readonly title: string;
  /** "etcd", "HAProxy", "host". */
  readonly component: string;
}

/** How long a lane felt a fault. Times in milliseconds. */
export interface LaneFigures extends Lane {
  readonly requests: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  /** Longest time without an acknowledged request. */
  readonly longestGap: number;
  /** Latency of the acknowledged requests, from when each was due. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Nothing was acknowledged at the end of the run. */
  readonly dead: boolean;
}

/** The longest gap aimed at, over all runs of a fault: median and longest, in seconds. */
export interface GapTarget {
  readonly new: readonly [p50: number, max: number];
  readonly reused: readonly [p50: number, max: number];
}
