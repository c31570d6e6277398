/** What is known of a node's load: its agent says it once a second, in percent. */
export interface NodeLoad {
  /** The newest answers, at most `remembered`, the newest last. */
  readonly samples: readonly LoadSample[];
}

export interface LoadSample {
  /** 0: idle, 100: nothing is left. */
  readonly load: number;
  /** ms of a clock that never jumps. */
  readonly time: number;
}

export const unknownLoad: NodeLoad = { samples: [] };

/** One second alone may be a pause of anything; longer than this, and traffic moves too late. */
const remembered = 3;
/** Points above the mean from which on the newest answer counts at once, less these: requests wait from the first second on. */
const leap = 10;
/** ms between two answers. */
const shortest = 500;
/** ms: three answers, and a moment for the last of them to be late. */
const patience = 3500;

/** The load that an agent's answer tells: it says, in the words of HAProxy's agent-check, how much is left ("37%"). Undefined where it is not such an answer. */
export function parseLoad(answer: string): number | undefined {
  const [, left] = /^(\d{1,3})%$/.exec(answer.trim()) ?? [];
  return left === undefined || Number(left) > 100 ? undefined : 100 - Number(left);
}

/** What requests in flight make of an API server's load: the part of those that it may have. `limit` is not 0. */
export function requestLoad(inFlight: number, limit: number): number {
  return Math.min(100, (100 * inFlight) / limit);
}

/** The load of a host that has an API server: the larger of two, where both are known. The agent has the say: who counts requests alone would look idle beside those whose processors are seen. */
export function largerLoad(agent: number | undefined, requests: number | undefined): number | undefined {
  return agent === undefined ? undefined : Math.max(agent, requests ?? 0);
}

/** With one more answer. Who answers faster than it should is not heard more. */
export function withSample({ samples }: NodeLoad, sample: LoadSample): NodeLoad {
  const newest = samples.at(-1);
  if (newest && sample.time - newest.time < shortest) return { samples };
  return { samples: [...samples, sample].slice(-remembered) };
}

/** The mean of the last seconds, or the newest of them where that is a leap up; undefined where the agent has been silent for three answers: then it has no say. */
export function loadAt({ samples }: NodeLoad, now: number): number | undefined {
  const newest = samples.at(-1);
  if (!newest || now - newest.time > patience) return undefined;
  const recent = samples.filter(({ time }) => newest.time - time < patience);
  return Math.max(newest.load - leap, recent.reduce((sum, { load }) => sum + load, 0) / recent.length);
}
