import { perform } from './perform.ts';
import type { LaneContext, Turn } from './perform.ts';

/** Asks a service for its page. Whatever answers counts, but for what a balancer says that found nobody (5xx). */
export function visitLane(context: LaneContext): Turn {
  return async (due) => {
    await perform(context, due, { operation: 'get', object: context.lane.door }, { method: 'GET', path: '/' });
  };
}
