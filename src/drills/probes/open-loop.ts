/** Something that is due at a constant rate. */
export interface Repeated {
  /** A second. */
  readonly rate: number;
  /** When its first turn is due: milliseconds of `now`. */
  readonly first: number;
  fire(due: number, turn: number): void;
}

/**
 * Fires each turn when it is due, never before and never twice. The times are fixed from the start: what a turn takes, or how late one was fired,
 * moves none of the others. After the process was held up, all that became due meanwhile is fired at once. Returns what stops it.
 */
export function startOpenLoop(repeated: readonly Repeated[], now: () => number): () => void {
  const turns = repeated.map(() => 0);
  const dueOf = ({ first, rate }: Repeated, turn: number) => first + (turn * 1000) / rate;
  let timer: NodeJS.Timeout;
  const run = () => {
    let nearest = Infinity;
    for (const [position, one] of repeated.entries()) {
      let turn = turns[position]!;
      for (; dueOf(one, turn) <= now(); turn++) one.fire(dueOf(one, turn), turn);
      turns[position] = turn;
      nearest = Math.min(nearest, dueOf(one, turn));
    }
    timer = setTimeout(run, Math.max(0, Math.min(nearest - now(), 1000)));
  };
  run();
  return () => clearTimeout(timer);
}
