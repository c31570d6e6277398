import { countOf, countText, listText } from '../report/figure-text.ts';
import type { Asked, DrillRecord } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { measureVip, type VipFigures } from './_measure-vip.ts';

const promise = 'Never do two hosts have the VIP at once, and it moves only when something fails.';

/**
 * C-vip: who had the VIP when, from samples of every balancer; and who answered for it, from questions by ARP: two answers to one question are two holders,
 * whatever the hosts say of themselves. How long two may have it, the fault says.
 */
export const vipHolders: Checker = ({ records, allowed }) => {
  const figures = measureVip(records);
  const doubleAnswers = answersOf(records, 'ARP').filter(({ by = [] }) => by.length > 1);
  const bothHold = 1000 * (allowed?.bothHold ?? 0);
  return giveVerdict({
    guarantee: 'C-vip',
    promise,
    found: [figuresText(figures), ...(bothHold > 0 ? [`${countText(bothHold)} ms with two are allowed here, where balancers cannot hear each other`] : []), ...answersText(records)].join('; '),
    breaches: [
      ...(figures.several > bothHold ? figures.doubles.map(({ from, to, hosts }) => `${hosts.join(' and ')} had the VIP at once from about ${timeText(from)} to ${timeText(to)}`) : []),
      ...(doubleAnswers.reduce((sum, { at, until }) => sum + until - at, 0) >= bothHold ? doubleAnswers.map(({ by = [], at, until, count }) => `${listText(by)} answered ${countOf(count, 'question')} for the VIP at once (${timeText(at)} to ${timeText(until)})`) : []),
      ...figures.flaps.map(({ from, to, lost, gained }) => `the VIP moved from ${from} to ${to} without a fault (left about ${timeText(lost)}, back at ${timeText(gained)})`),
    ],
    doubt: figures.none + figures.one + figures.several === 0 ? 'no host was seen for long enough' : figures.unseen > 0 ? `who had it was not seen for ${countText(Math.round(figures.unseen))} ms` : undefined,
  });
};

function answersOf(records: readonly DrillRecord[], how: Asked['how']): Asked[] {
  return records.filter((record) => record.kind === 'asked').filter((asked) => asked.how === how);
}

/** What questions below the API found, where any were asked. */
function answersText(records: readonly DrillRecord[]): string[] {
  const questions = answersOf(records, 'ARP').reduce((sum, { count }) => sum + count, 0);
  const pings = answersOf(records, 'ping');
  const silence = pings.filter(({ answered }) => !answered).reduce((longest, { at, until }) => Math.max(longest, until - at), 0);
  return [
    ...(questions > 0 ? [`asked by ARP ${countText(questions)} times`] : []),
    ...(pings.length > 0 ? [`no answer to a ping for ${countText(Math.round(silence))} ms at most`] : []),
  ];
}

function figuresText({ none, one, several, moves, flaps }: VipFigures): string {
  const ms = (span: number) => `${countText(Math.round(span))} ms`;
  return `${ms(none)} without a holder, ${ms(one)} with one, ${ms(several)} with more; ${countOf(moves, 'move')}, ${flaps.length} without a cause`;
}
