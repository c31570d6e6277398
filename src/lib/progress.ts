/** What long work tells while it runs. The edge decides how it looks (lines, NDJSON, nothing); the work only says what happens. */
export interface ProgressEvent {
  readonly type: 'started' | 'done' | 'failed' | 'skipped' | 'note' | 'bytes';
  /** A sentence for people: "etcd: start", "compiling kube-apiserver". */
  readonly title: string;
  /** The host or machine it happens on, where there is one. */
  readonly host?: string;
  /** Stable id of the step, for programs that follow along. */
  readonly step?: string;
  readonly detail?: string;
  /** Bytes so far and in all, for `bytes`. */
  readonly bytes?: number;
  readonly total?: number;
}

export type Progress = (event: ProgressEvent) => void;

/** @internal for tests */
export const silent: Progress = () => {};
