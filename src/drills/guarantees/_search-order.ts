/** Something that a client asked for. It took effect at one moment from `begins` to `ends`. */
export interface Operation<Action> {
  readonly begins: number;
  /** Infinity where nobody knows: it may take effect at any later moment, or never. */
  readonly ends: number;
  readonly action: Action;
}

/** What a sequential object does. */
export interface Model<State, Action> {
  readonly initial: State;
  /** The state after the action with the answer that it got; undefined where it cannot have had that answer in this state. */
  after(state: State, action: Action): State | undefined;
  /** The same for two states exactly where they behave the same. */
  text(state: State): string;
}

/**
 * `found`: the operations (by position) in an order that explains every answer. `none`: there is no such order; `longest` is one that explains as many as
 * possible. `unknown`: the budget was used up.
 */
export type Order = { readonly answer: 'found' | 'none' | 'unknown'; readonly longest: readonly number[]; readonly steps: number };

/**
 * Looks for an order in which the operations can have happened one after the other, none before it began or after it ended. The search of Wing and
 * Gong with Lowe's memory: what was tried once (the same operations done, the same state) is not tried again. `budget` is the number of times that the model may
 * be asked, so that the same history has the same answer on every computer.
 */
export function searchOrder<State extends {}, Action>(operations: readonly Operation<Action>[], model: Model<State, Action>, budget: number): Order {
  const line = timeline(operations);
  const done = doneOperations(operations);
  const tried = new Set<string>();
  const taken: { readonly operation: number; readonly before: State }[] = [];
  let state = model.initial;
  let longest: readonly number[] = [];
  let steps = 0;
  const keepLongest = () => {
    if (taken.length > longest.length) longest = taken.map(({ operation }) => operation);
  };
  let entry = line.first();
  while (done.missing() > 0) {
    const operation = line.callAt(entry);
    if (operation !== undefined) {
      if (++steps > budget) {
        keepLongest();
        return { answer: 'unknown', longest, steps: budget };
      }
      const after = model.after(state, operations[operation]!.action);
      done.add(operation);
      if (after !== undefined && isNew(tried, `${done.text()} ${model.text(after)}`)) {
        taken.push({ operation, before: state });
        state = after;
        line.takeOut(operation);
        entry = line.first();
      } else {
        done.remove(operation);
        entry = line.next(entry);
      }
    } else {
      // The answer to an operation that is not done yet: nothing that begins later can come before it.
      keepLongest();
      const last = taken.pop();
      if (!last) return { answer: 'none', longest, steps };
      state = last.before;
      done.remove(last.operation);
      line.putBack(last.operation);
      entry = line.next(line.entryOf(last.operation));
    }
  }
  return { answer: 'found', longest: taken.map(({ operation }) => operation), steps };
}

function isNew(known: Set<string>, text: string): boolean {
  if (known.has(text)) return false;
  known.add(text);
  return true;
}

/**
 * Beginnings and ends by time in a doubly linked list, as numbers: 2n is the beginning of operation n and 2n + 1 its end. At one time beginnings
 * come first, since two operations that touch may have happened in either order.
 */
function timeline<Action>(operations: readonly Operation<Action>[]) {
  const entries = operations.flatMap(({ ends }, operation) => (ends === Number.POSITIVE_INFINITY ? [2 * operation] : [2 * operation, 2 * operation + 1]));
  const timeOf = (entry: number) => (entry % 2 === 0 ? operations[entry >> 1]!.begins : operations[entry >> 1]!.ends);
  entries.sort((a, b) => timeOf(a) - timeOf(b) || (a % 2) - (b % 2) || a - b);
  const head = 2 * operations.length;
  const next = new Int32Array(head + 1).fill(head);
  const previous = new Int32Array(head + 1).fill(head);
  for (const [position, entry] of [head, ...entries].entries()) {
    const following = entries[position] ?? head;
    next[entry] = following;
    previous[following] = entry;
  }
  const unlink = (entry: number) => {
    next[previous[entry]!] = next[entry]!;
    previous[next[entry]!] = previous[entry]!;
  };
  const link = (entry: number) => {
    next[previous[entry]!] = entry;
    previous[next[entry]!] = entry;
  };
  const hasEnd = (operation: number) => operations[operation]!.ends !== Number.POSITIVE_INFINITY;
  return {
    first: () => next[head]!,
    next: (entry: number) => next[entry]!,
    entryOf: (operation: number) => 2 * operation,
    callAt: (entry: number) => (entry !== head && entry % 2 === 0 ? entry >> 1 : undefined),
    takeOut(operation: number) {
      unlink(2 * operation);
      if (hasEnd(operation)) unlink(2 * operation + 1);
    },
    // In the opposite order of `takeOut`, or the links would be wrong.
    putBack(operation: number) {
      if (hasEnd(operation)) link(2 * operation + 1);
      link(2 * operation);
    },
  };
}

/** A set of operations as a text that is short in a long history: all up to the first missing one, and those of the others that are near it. */
function doneOperations<Action>(operations: readonly Operation<Action>[]) {
  const byBeginning = operations.map((_, operation) => operation).sort((a, b) => operations[a]!.begins - operations[b]!.begins || a - b);
  const required = byBeginning.filter((operation) => operations[operation]!.ends !== Number.POSITIVE_INFINITY);
  const optional = byBeginning.filter((operation) => operations[operation]!.ends === Number.POSITIVE_INFINITY);
  const rank = new Map(required.map((operation, position) => [operation, position]));
  const has = new Uint8Array(operations.length);
  let firstMissing = 0;
  let missing = required.length;
  return {
    missing: () => missing,
    add(operation: number) {
      has[operation] = 1;
      if (!rank.has(operation)) return;
      missing--;
      while (firstMissing < required.length && has[required[firstMissing]!] === 1) firstMissing++;
    },
    remove(operation: number) {
      has[operation] = 0;
      const position = rank.get(operation);
      if (position === undefined) return;
      missing++;
      firstMissing = Math.min(firstMissing, position);
    },
    text() {
      const limit = firstMissing < required.length ? operations[required[firstMissing]!]!.ends : Number.NEGATIVE_INFINITY;
      const beyond: number[] = [];
      for (let position = firstMissing + 1; position < required.length && operations[required[position]!]!.begins <= limit; position++) {
        if (has[required[position]!] === 1) beyond.push(position);
      }
      return `${firstMissing}:${beyond.join()}:${optional.filter((operation) => has[operation] === 1).join()}`;
    },
  };
}
