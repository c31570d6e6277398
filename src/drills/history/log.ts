import type { DrillRecord } from './record.ts';

/** Where a drill writes down what it does and sees, in the prober's time. */
export interface Log {
  now(): number;
  add(record: DrillRecord): void;
}
