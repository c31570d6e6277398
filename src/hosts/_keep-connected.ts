import type { SshConnection } from './_ssh-connection.ts';

export interface KeptConnection {
  /** The connection that stands, or a new one where there is none or it broke. Rejects with the signal's reason when it fires first. */
  get(signal?: AbortSignal): Promise<SshConnection>;
  /** Ends it; the next `get` makes a new one. */
  close(): Promise<void>;
}

/** Callers that come while a connection is being made share it; one who gives up does not take it from the others. */
export function keepConnected(open: () => Promise<SshConnection>): KeptConnection {
  let current: Promise<SshConnection> | undefined;
  return {
    async get(signal) {
      const previous = current;
      if (previous && !(await unlessAborted(previous, signal)).alive() && current === previous) current = undefined;
      if (!current) {
        const next = open();
        current = next;
        next.catch(() => (current = current === next ? undefined : current));
      }
      return unlessAborted(current, signal);
    },
    async close() {
      const closing = current;
      current = undefined;
      await closing?.then((connection) => connection.close(), () => {});
    },
  };
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
