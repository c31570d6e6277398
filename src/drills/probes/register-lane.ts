import type { Request } from '../history/record.ts';
import { configMapCalls } from './config-map.ts';
import { perform } from './perform.ts';
import type { LaneContext, Turn } from './perform.ts';
import type { ProbePlan } from './probe-plan.ts';

/** How many objects the register lanes share: few enough to meet on one often, many enough for each to be checked fast. */
const registerCount = 16;

export function registerName({ run }: Pick<ProbePlan, 'run'>, number: number): string {
  return `${run}-register-${number}`;
}

/** What a lane saw last of a register: its revision, or that it is absent; undefined where it cannot know. */
type Seen = number | 'absent' | undefined;

/**
 * Reads, changes and seldom deletes objects that all register lanes share. Every change is conditional on what this lane saw last, as a controller's
 * is; the seed decides what comes next.
 */
export function registerLane(context: LaneContext): Turn {
  const { plan, position, draw, known } = context;
  const calls = configMapCalls(plan.namespace);
  const lastSeen = new Map<string, Seen>();
  return async (due, turn) => {
    const object = registerName(plan, Math.floor(draw() * registerCount));
    const seen = lastSeen.get(object);
    const value = `${position}/${turn}`;
    const record = await perform(context, due, ...next({ object, seen, value, dice: draw(), calls }));
    lastSeen.set(object, seenIn(record));
    if (record.operation === 'create' && record.outcome === 'acknowledged') known.add(object);
  };
}

interface Situation {
  readonly object: string;
  readonly seen: Seen;
  readonly value: string;
  readonly dice: number;
  readonly calls: ReturnType<typeof configMapCalls>;
}

type Next = readonly [wanted: Parameters<typeof perform>[2], call: Parameters<typeof perform>[3]];

function next({ object, seen, value, dice, calls }: Situation): Next {
  if (seen === 'absent') return [{ operation: 'create', object, value }, calls.create(object, value)];
  if (seen === undefined || dice < 0.4) return [{ operation: 'get', object }, calls.get(object)];
  if (dice < 0.95) return [{ operation: 'update', object, value, expected: seen }, calls.update(object, value, seen)];
  return [{ operation: 'delete', object, expected: seen }, calls.delete(object, seen)];
}

/** Only what is certain: after a conflict, a time-out or an error the register has to be read again. */
function seenIn({ operation, outcome, status, revision }: Request): Seen {
  if (status === 404) return 'absent';
  if (outcome !== 'acknowledged') return undefined;
  return operation === 'delete' ? 'absent' : revision;
}
