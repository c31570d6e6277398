import type { Allowance } from '../history/verdict.ts';
import type { Fault } from './fault.ts';

/** Seconds after which a drill says that a cluster is not healthy again. */
const longest = 120;
/** Seconds that planned work may cost, and a run in which nothing is broken: what a busy computer makes of nothing. */
const hardlyFelt = 5;

/**
 * The same where API servers restart. One that has just started is slow on a busy computer; a client that keeps its connection to it waits with all that it has
 * sent, and loses it where it gives the connection up.
 */
export const whileServersStart: Allowance['limit'] = { new: hardlyFelt, reused: 20 };

type Costs = Pick<Fault, 'planned' | 'limit' | 'target' | 'noVisitFails' | 'vipStays' | 'bothHold'>;

/** What a fault may do, by its table. */
export function allowanceOf(fault: Costs): Allowance {
  const { noVisitFails = false, vipStays = false, bothHold = 0 } = fault;
  return { limit: limitOf(fault), vipStays, bothHold, ...(noVisitFails && { noVisitFails }) };
}

/**
 * What two faults may do that overlap. Two can take what neither takes alone, a quorum for example: then the API is away for as long as the longer one is in,
 * and comes back from both.
 */
export function allowanceOfBoth(first: Costs & Pick<Fault, 'seconds'>, second: Costs & Pick<Fault, 'seconds'>): Pick<Fault, 'limit' | 'noVisitFails' | 'vipStays' | 'bothHold'> {
  const [one, other, together] = [allowanceOf(first), allowanceOf(second), Math.max(first.seconds, second.seconds)];
  return {
    limit: { new: one.limit.new + other.limit.new + together, reused: one.limit.reused + other.limit.reused + together },
    noVisitFails: one.noVisitFails === true && other.noVisitFails === true,
    vipStays: one.vipStays && other.vipStays,
    bothHold: (one.bothHold ?? 0) + (other.bothHold ?? 0),
  };
}

function limitOf({ planned, limit, target }: Costs): Allowance['limit'] {
  if (limit) return limit;
  if (planned) return { new: hardlyFelt, reused: hardlyFelt };
  return target ? { new: 5 * target.new[1], reused: 5 * target.reused[1] } : { new: longest, reused: longest };
}
