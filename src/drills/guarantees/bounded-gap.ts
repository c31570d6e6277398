import type { DrillRecord, Lane } from '../history/record.ts';
import type { Checker, Evidence } from '../history/verdict.ts';
import { countOf } from '../report/figure-text.ts';
import { timeText } from './_describe.ts';
import { whileAwake } from './_awake.ts';
import { giveVerdict } from './_give-verdict.ts';
import { measureLane, requestWindow, type Window } from './availability.ts';

const promise = 'No way to the API or to a service through a VIP is without answers, or has requests fail, for longer than the fault may cost; and no request to a service fails where none may.';

/**
 * C-gap: two measures of each lane of requests through a VIP, held against the fault's limit. The longest time without an answer finds a way that is closed; the
 * seconds in which a request failed find one that is closed to some: a dead server that stays in rotation takes one request of three. Of services single requests count where the fault may cost none.
 * A limit that is only passed together with the time in which the prober itself stood still is in doubt, and not broken.
 */
export const boundedGap: Checker = ({ records, allowed }) => {
  const window = requestWindow(records);
  const lanes = records.flatMap((record) => (record.kind === 'began' ? record.lanes : [])).filter(({ door, workload }) => workload === 'visit' || (door === 'VIP' && workload !== 'watch'));
  const felt = lanes.map((lane) => ({ lane, ...costOf(lane, records, window) }));
  const longest = Math.max(0, ...felt.map(({ gap, failed }) => Math.max(gap, failed)));
  const { records: awake, stalled } = whileAwake(records);
  const awakeWindow = requestWindow(awake);
  // Without the pauses requests fall into other seconds: what was not felt never counts.
  const surely = felt.map((cost) => {
    const { gap, failed } = costOf(cost.lane, awake, awakeWindow);
    return { ...cost, gap: Math.min(cost.gap, gap), failed: Math.min(cost.failed, failed) };
  });
  const breachesIn = (costs: readonly Cost[]) => (allowed === undefined ? [] : costs.flatMap((cost) => breachesOf(cost, allowed)));
  const breaches = breachesIn(surely);
  const [perhaps] = breaches.length > 0 ? [] : breachesIn(felt);
  return giveVerdict({
    guarantee: 'C-gap',
    promise,
    found: `${countOf(lanes.length, 'lane')}, at most ${timeText(longest)} without an answer or with failures`,
    breaches,
    doubt:
      lanes.length === 0 || window.from > window.to ? 'no lane through the VIP had requests'
      : allowed === undefined ? 'what the fault may cost is not known'
      : perhaps !== undefined ? `the prober itself stood still for ${timeText(stalled)}, and without that no more than is allowed is left: ${perhaps}`
      : undefined,
  });
};

/** Milliseconds, and requests that were not acknowledged. */
interface Cost {
  readonly lane: Lane;
  readonly gap: number;
  readonly failed: number;
  readonly unanswered: number;
}

function breachesOf({ lane, gap, failed, unanswered }: Cost, allowed: NonNullable<Evidence['allowed']>): readonly string[] {
  const limit = 1000 * allowed.limit[lane.connection === 'new' ? 'new' : 'reused'];
  return [
    ...(gap > limit ? [`lane "${lane.name}" was ${timeText(gap)} without an answer; ${timeText(limit)} are allowed`] : []),
    ...(failed > limit ? [`lane "${lane.name}" had requests fail in ${failed / 1000} seconds; ${timeText(limit)} are allowed`] : []),
    ...(allowed.noVisitFails && lane.workload === 'visit' && unanswered > 0 ? [`lane "${lane.name}" had ${countOf(unanswered, 'request')} fail; none may`] : []),
  ];
}

function costOf(lane: Lane, records: readonly DrillRecord[], window: Window): Omit<Cost, 'lane'> {
  const { longestGap, failedSeconds, requests, acknowledged } = measureLane(lane, records, window);
  return { gap: longestGap, failed: 1000 * failedSeconds, unanswered: requests - acknowledged };
}
