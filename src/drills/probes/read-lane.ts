import { configMapCalls } from './config-map.ts';
import { perform } from './perform.ts';
import type { LaneContext, Turn } from './perform.ts';
import { registerName } from './register-lane.ts';

/** Reads, by turns, what the other lanes made lately. Before anything is known to exist it asks for a register, which may not be there. */
export function readLane(context: LaneContext): Turn {
  const { plan, known } = context;
  const calls = configMapCalls(plan.namespace);
  return async (due, turn) => {
    const object = known.at(turn) ?? registerName(plan, 0);
    await perform(context, due, { operation: 'get', object }, calls.get(object));
  };
}
