import { countOf, countText } from '../report/figure-text.ts';
import { calm, type DrillRecord, type WatchEnded } from '../history/record.ts';
import type { Checker } from '../history/verdict.ts';
import { timeText } from './_describe.ts';
import { giveVerdict } from './_give-verdict.ts';
import { measureVip } from './_measure-vip.ts';

const promise = 'What is not broken is not disturbed: no watch is cut before something fails, and the VIP stays where it is while only what is behind the balancers fails.';
/** ms that all hosts may be seen without the VIP at once, since they are not seen at one time. */
const tolerance = 200;

/** C-calm: watches, also those on which nothing happens, up to the fault; and the VIP in faults that touch nothing that it needs. */
export const undisturbed: Checker = ({ records, allowed }) => {
  const until = firstFault(records);
  const watches = records.filter((record) => record.kind === 'watched' || record.kind === 'watch ended');
  const cut = watches.filter((record): record is WatchEnded => record.kind === 'watch ended' && record.why === 'cut' && record.at < until);
  const vip = allowed?.vipStays ? measureVip(records) : undefined;
  const away = vip && vip.none > tolerance;
  return giveVerdict({
    guarantee: 'C-calm',
    promise,
    found: [`${countOf(cut.length, 'watch', 'watches')} cut before anything failed`, ...(vip ? [`${countOf(vip.moves, 'move')} of the VIP, ${countText(Math.round(vip.none))} ms without a holder`] : [])].join('; '),
    breaches: [
      ...cut.map(({ lane, at }) => `the watch of lane "${lane}" was cut at ${timeText(at)}, before anything failed`),
      ...(vip && vip.moves > 0 ? [`the VIP moved ${vip.moves === 1 ? 'once' : `${vip.moves} times`} in a fault that touched nothing that it needs`] : []),
      ...(away ? [`no host had the VIP for ${timeText(vip.none)} in a fault that touched nothing that it needs`] : []),
    ],
    doubt: watches.length === 0 ? 'there was no watch' : vip && vip.none + vip.one + vip.several === 0 ? 'no host was seen for long enough' : undefined,
  });
};

/** When the first fault began that broke something; never, where there was none. */
function firstFault(records: readonly DrillRecord[]): number {
  return records.reduce((first, record) => (record.kind === 'mark' && record.what === 'fault begins' && record.about !== calm ? Math.min(first, record.at) : first), Number.POSITIVE_INFINITY);
}
