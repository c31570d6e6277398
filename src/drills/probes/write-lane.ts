import { configMapCalls } from './config-map.ts';
import { perform } from './perform.ts';
import type { LaneContext, Turn } from './perform.ts';

/** Creates one object after the other, each with a name and a value that no other has. */
export function writeLane(context: LaneContext): Turn {
  const { plan, position, known } = context;
  const calls = configMapCalls(plan.namespace);
  return async (due, turn) => {
    const object = `${plan.run}-${position}-${turn}`;
    const value = `value of ${object}`;
    const { outcome } = await perform(context, due, { operation: 'create', object, value }, calls.create(object, value));
    if (outcome === 'acknowledged') known.add(object);
  };
}
