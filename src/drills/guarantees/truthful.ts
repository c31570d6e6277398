import type { DrillRecord, Lane, Mark, Request } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { countOf, countText } from '../report/figure-text.ts';
import { isFailure } from './availability.ts';
import { requestText, timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { measureVip } from './_measure-vip.ts';

const promise = 'What is called healthy is healthy: from then on until the next fault every request on a new connection succeeds, through the VIP and at each API server, and one host has the VIP.';

/** A time that began when the drill wrote down that the cluster was healthy, after `status` had said so of every part. */
interface Calm {
  readonly from: number;
  readonly to: number;
}

/**
 * C-truth. Only lanes whose every request has a connection of its own are judged: a client that keeps one may find out late that it had died during the
 * fault, which is not the cluster's state. That such a lane comes back is C-avail's promise.
 */
export const truthful: Checker = ({ records }) => {
  const lanes = new Map(records.flatMap((record) => (record.kind === 'began' ? record.lanes : [])).map((lane) => [lane.name, lane]));
  const calms = calmsOf(records);
  const requests = records.filter((record) => record.kind === 'request').filter((one) => lanes.get(one.lane)?.connection === 'new' && calms.some(({ from, to }) => one.due > from && one.due <= to));
  const failed = requests.filter((one) => isFailure(one, lanes.get(one.lane) as Lane));
  const holders = calms.flatMap((calm) => holderBreaches(records, calm));
  return giveVerdict({
    guarantee: 'C-truth',
    promise,
    found: `called healthy ${countOf(calms.length, 'time')}; ${countOf(requests.length, 'request')} on new connections then, ${countText(failed.length)} failed`,
    breaches: [...failed.sort((a, b) => a.due - b.due).map((one) => `${requestText(one)} failed${whyText(one)} after the cluster was called healthy`), ...holders],
    doubt: calms.length === 0 ? 'it was never called healthy' : calms.some(({ from, to }) => !requests.some(({ due }) => due > from && due <= to)) ? 'nobody asked it then' : undefined,
  });
};

/** From each mark until the next fault begins, or until the last request was due: what the drill does to end is not the cluster's. */
function calmsOf(records: readonly DrillRecord[]): Calm[] {
  const marks = records.filter((record) => record.kind === 'mark');
  const end = records.reduce((last, record) => (record.kind === 'request' ? Math.max(last, record.due) : last), Number.NEGATIVE_INFINITY);
  const of = (what: Mark['what']) => marks.filter((mark) => mark.what === what).map(({ at }) => at);
  return of('healthy').map((from) => ({ from, to: of('fault begins').filter((at) => at > from).reduce((first, at) => Math.min(first, at), end) }));
}

function holderBreaches(records: readonly DrillRecord[], { from, to }: Calm): string[] {
  const { none, several } = measureVip(records.filter((record) => record.kind === 'sample' && record.at > from && record.at <= to));
  const text = (ms: number, who: string) => (ms > 0 ? [`${who} had the VIP for ${countText(Math.round(ms))} ms after the cluster was called healthy at ${timeText(from)}`] : []);
  return [...text(none, 'no host'), ...text(several, 'more than one host')];
}

function whyText({ status, error }: Request): string {
  return error ? ` (${error})` : status === undefined ? '' : ` (status ${status})`;
}
