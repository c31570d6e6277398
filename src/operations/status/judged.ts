import type { Finding } from './cluster-status.ts';

/** One part of the status, and what of it is not as it should be. */
export interface Judged<T> {
  readonly status: T;
  readonly findings: readonly Finding[];
}
