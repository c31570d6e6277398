import type { Call, Connection, Failure } from '../../src/drills/probes/connection.ts';

export interface Reply {
  readonly status?: number;
  /** Seconds. */
  readonly retryAfter?: number;
  readonly text?: string;
  readonly failure?: Failure;
  /** Never ends. */
  readonly open?: boolean;
  /** For a request that is given up: nothing of it had left. */
  readonly unsent?: boolean;
}

/** A connection that gives one reply after the other, the last one for ever, and keeps what was asked. */
export function scriptedConnection(...replies: readonly [Reply, ...Reply[]]): Connection & { readonly calls: readonly Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    begin(call, listener) {
      const { status, retryAfter, text, failure, open = false, unsent = false } = replies[Math.min(calls.length, replies.length - 1)]!;
      calls.push(call);
      let left = false;
      setImmediate(() => {
        if (left) return;
        if (status !== undefined) listener.onHead?.(status, retryAfter);
        if (text !== undefined) listener.onText?.(text);
        if (!open && !left) listener.onEnd(failure);
      });
      return () => {
        left = true;
        return unsent;
      };
    },
    close() {},
  };
}
