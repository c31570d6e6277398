import type { CachedProgram } from '../../programs/program.ts';
import type { Journal } from '../journal.ts';
import type { Operation } from '../operation.ts';
import type { PreparedPlan } from '../prepare-plan.ts';

/** An operation that holds the lock and performs a plan. */
export interface Work extends Operation {
  readonly prepared: PreparedPlan;
  readonly programs: readonly CachedProgram[];
  /** The lock's token; every script on a host checks it first. */
  readonly token: string;
  readonly journal: Journal;
  /** Pods that no controller makes again may be deleted with the others of a node that is emptied. */
  readonly deleteLonePods?: boolean | undefined;
}
