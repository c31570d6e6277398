import type { Clock } from '../../lib/clock.ts';
import { afterReading } from './connection.ts';
import type { Call, Connection, Failure } from './connection.ts';

/** The last answer to a request, or why there is none. */
export interface Answer {
  readonly status?: number;
  readonly text: string;
  readonly failure?: Failure;
}

interface Attempt extends Answer {
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Milliseconds. An attempt with less time than this would only turn a clear "no" into a time-out. */
const leastAttempt = 1000;

/**
 * Sends a request and, within `patience` milliseconds, sends it again where client-go would and the server surely did nothing: after 429 with
 * Retry-After, and after a goodbye that turned it away. The last answer is the outcome.
 */
export async function send(connection: Connection, call: Call, { patience, clock }: { readonly patience: number; readonly clock: Clock }): Promise<Answer> {
  const deadline = clock.monotonic() + patience;
  for (let turns = 0; ; turns++) {
    const answer = await attempt(connection, call, deadline - clock.monotonic());
    const pause = pauseBeforeRepeating(answer, turns);
    if (pause === undefined || clock.monotonic() + pause + leastAttempt > deadline) return answer;
    await clock.sleep(pause);
  }
}

/** Milliseconds; undefined where the answer stands. A request that was turned away goes out again at once, then as Go does it with growing pauses. */
function pauseBeforeRepeating({ status, retryAfter, failure }: Attempt, turns: number): number | undefined {
  if (failure) return failure.turnedAway ? (turns === 0 ? 0 : 1000 * 2 ** (turns - 1)) : undefined;
  return status === 429 && retryAfter !== undefined ? retryAfter * 1000 : undefined;
}

function attempt(connection: Connection, call: Call, limit: number): Promise<Attempt> {
  return new Promise((resolve) => {
    let head: Pick<Attempt, 'status' | 'retryAfter'> = {};
    let text = '';
    const stop = afterReading(limit, () => resolve({ ...head, text, failure: { error: 'time-out', unprocessed: giveUp() } }));
    const giveUp = connection.begin(call, {
      onHead: (status, retryAfter) => (head = { status, ...(retryAfter !== undefined && { retryAfter }) }),
      onText: (more) => (text += more),
      onEnd(failure) {
        stop();
        resolve({ ...head, text, ...(failure && { failure }) });
      },
    });
  });
}
