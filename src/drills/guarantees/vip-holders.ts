import { countOf, countText } from '../report/figure-text.ts';
import type { Checker } from '../history/verdict.ts';
import { timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { measureVip, type VipFigures } from './_measure-vip.ts';

const promise = 'Never do two hosts have the VIP at once, and it moves only when something fails.';

export interface Tolerance {
  /** Milliseconds with two or more holders, in all. Some faults (a hung keepalived) cannot be got through with 0. */
  readonly doubled: number;
  /** Milliseconds in which it could not be seen who had the VIP. */
  readonly unseen: number;
}

/** C-vip without any tolerance. */
export const vipHolders: Checker = vipHoldersWithin({ doubled: 0, unseen: 0 });

/**
 * C-vip: who had the VIP when, from samples of every balancer.
 * @internal also for tests
 */
export function vipHoldersWithin({ doubled, unseen }: Tolerance): Checker {
  return ({ records }) => {
    const figures = measureVip(records);
    return giveVerdict({
      guarantee: 'C-vip',
      promise,
      found: figuresText(figures),
      breaches: [
        ...(figures.several > doubled ? figures.doubles.map(({ from, to, hosts }) => `${hosts.join(' and ')} had the VIP at once from about ${timeText(from)} to ${timeText(to)}`) : []),
        ...figures.flaps.map(({ from, to, lost, gained }) => `the VIP moved from ${from} to ${to} without a fault (left about ${timeText(lost)}, back at ${timeText(gained)})`),
      ],
      doubt: figures.none + figures.one + figures.several === 0 ? 'no host was seen for long enough' : figures.unseen > unseen ? `who had it was not seen for ${countText(Math.round(figures.unseen))} ms` : undefined,
    });
  };
}

function figuresText({ none, one, several, moves, flaps }: VipFigures): string {
  const ms = (span: number) => `${countText(Math.round(span))} ms`;
  return `${ms(none)} without a holder, ${ms(one)} with one, ${ms(several)} with more; ${countOf(moves, 'move')}, ${flaps.length} without a cause`;
}
