import type { Allowance } from '../history/verdict.ts';
import type { Fault } from './fault.ts';

/** Seconds after which a drill says that a cluster is not healthy again. */
const longest = 120;

/** What a fault may do, by its table. */
export function allowanceOf({ limit, target, noVisitFails = false, vipStays = false, bothHold = 0 }: Pick<Fault, 'limit' | 'target' | 'noVisitFails' | 'vipStays' | 'bothHold'>): Allowance {
  return { limit: limit ?? (target ? { new: 5 * target.new[1], reused: 5 * target.reused[1] } : { new: longest, reused: longest }), vipStays, bothHold, ...(noVisitFails && { noVisitFails }) };
}
