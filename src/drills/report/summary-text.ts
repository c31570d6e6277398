import type { ConnectionKind } from '../history/record.ts';
import type { DrillRun } from './drill-run.ts';
import { countOf, countText, listText, secondsText } from './figure-text.ts';
import { worstVerdict, type GapSummary, type RunsSummary } from './summarize-runs.ts';

/** As short as a column's title. */
export const shortConnectionText: Readonly<Record<ConnectionKind, string>> = { 'new': 'new', 'reused': 'reused', 'reused, short': 'short timers' };

export const connectionText: Readonly<Record<ConnectionKind, string>> = {
  'new': 'new connections',
  'reused': 'one reused connection',
  'reused, short': 'reused, short timers',
};

/** The runs in a few sentences; the first says whether all was as promised. `unfinished` are runs without a result, by name. */
export function summarySentences(runs: readonly DrillRun[], summaries: readonly RunsSummary[], unfinished: readonly string[] = []): string[] {
  if (runs.length === 0) return ['There is no run to report.', ...unfinishedSentences(unfinished)];
  const faults = new Set(runs.map(({ fault }) => fault.id)).size;
  const setups = [...new Set(runs.map(({ setup }) => setup))];
  return [
    `${countOf(runs.length, 'run')} of ${countOf(faults, 'fault')}${setups.length > 1 ? ` in ${setups.length} set-ups (${listText(setups)})` : ''}. ${promisesText(runs, unfinished)}`,
    ...unfinishedSentences(unfinished),
    lossText(summaries),
    ...gapSentences(summaries),
    ...targetSentences(summaries),
    ...restoreSentences(runs),
  ];
}

export function gapText(gap: GapSummary | undefined): string {
  if (!gap) return 'not measured';
  return `${secondsText(gap.p50)} / ${secondsText(gap.max)}${gap.dead > 0 ? `, ${gap.dead} never came back` : ''}`;
}

export function lostText({ lost: { count, exact } }: Pick<RunsSummary, 'lost'>): string {
  return exact ? countText(count) : count > 0 ? `at least ${countText(count)}` : 'unknown';
}

export function failedText({ failed, requests }: Pick<RunsSummary, 'failed' | 'requests'>): string {
  return requests === 0 ? 'not measured' : `${countText(failed)} of ${countText(requests)}`;
}

/** "held", or how many are not. */
export function verdictText({ verdict, verdicts, notRestored }: RunsSummary): string {
  const counts = [...(verdicts.broken > 0 ? [`${verdicts.broken} broken`] : []), ...(verdicts.unknown > 0 ? [`${verdicts.unknown} unknown`] : [])];
  return [...(counts.length > 0 ? counts : verdict === 'unknown' ? ['unknown'] : ['held']), ...(notRestored > 0 ? [`${notRestored} not restored`] : [])].join(', ');
}

export const targetText: Readonly<Record<RunsSummary['target'], string>> = { met: 'met', missed: 'missed', none: 'no target' };

export function gapOf({ gaps }: RunsSummary, connection: ConnectionKind): GapSummary | undefined {
  return gaps.find((gap) => gap.connection === connection);
}

function promisesText(runs: readonly DrillRun[], unfinished: readonly string[]): string {
  const broken = runs.filter((run) => worstVerdict(run) === 'broken').length;
  const unknown = runs.filter((run) => worstVerdict(run) === 'unknown').length;
  if (broken > 0) return `A promise was broken in ${countOf(broken, 'run')}${unknown > 0 ? `; in ${countOf(unknown, 'other run')} it is unknown whether all were kept, which does not count as held` : ''}.`;
  if (unknown > 0) return `In ${countOf(unknown, 'run')} it is unknown whether all promises were kept: that does not count as held.`;
  return `Every promise held in every run${unfinished.length > 0 ? ' that has a result' : ''}.`;
}

function unfinishedSentences(unfinished: readonly string[]): string[] {
  if (unfinished.length === 0) return [];
  return [`${countOf(unfinished.length, 'more run has', 'more runs have')} no result, cut off or still going on: ${listText(unfinished)}. Whether they kept the promises is unknown, which does not count as held.`];
}

function lossText(summaries: readonly RunsSummary[]): string {
  const count = summaries.reduce((total, { lost }) => total + lost.count, 0);
  const exact = summaries.every(({ lost }) => lost.exact);
  if (count > 0) return `${exact ? '' : 'At least '}${countOf(count, 'acknowledged write was', 'acknowledged writes were')} lost.`;
  return exact ? 'No acknowledged write was lost.' : 'Whether acknowledged writes were lost is not known for every run.';
}

function gapSentences(summaries: readonly RunsSummary[]): string[] {
  const setups = [...Map.groupBy(summaries, ({ setup }) => setup)];
  return setups.flatMap(([setup, ofSetup]) => {
    const parts = (['new', 'reused', 'reused, short'] as const).flatMap((connection) => {
      const worst = ofSetup.flatMap((summary) => summary.gaps.filter((gap) => gap.connection === connection).map((gap) => ({ gap, fault: summary.fault.id }))).sort((a, b) => b.gap.max - a.gap.max)[0];
      return worst ? [`${secondsText(worst.gap.max)} with ${connection === 'reused, short' ? 'a reused connection and short timers' : connectionText[connection]}${summaries.length > setups.length ? ` (${worst.fault})` : ''}`] : [];
    });
    return parts.length === 0 ? [] : [`${setups.length > 1 ? `${setup}: the` : 'The'} longest time without a successful write through the VIP was ${listText(parts)}.`];
  });
}

function targetSentences(summaries: readonly RunsSummary[]): string[] {
  const judged = summaries.filter(({ target }) => target !== 'none');
  if (judged.length === 0) return [];
  const missed = judged.filter(({ target }) => target === 'missed');
  if (missed.length === 0) return [judged.length === 1 ? 'The target was met.' : `All ${judged.length} targets were met.`];
  const count = judged.length === 1 ? 'The target was missed' : missed.length === judged.length ? `All ${judged.length} targets were missed` : `${missed.length} of ${judged.length} targets ${missed.length === 1 ? 'was' : 'were'} missed`;
  if (missed.length > 3) return [`${count}: ${listText(missed.map(({ fault, setup }) => `${fault.id} (${setup})`))}.`];
  return [`${count}: ${missed.map((summary) => `${summary.fault.id} (${summary.setup}) ${missText(summary)}`).join('; ')}.`];
}

/** What is over its target: "median 0.47 s instead of 0.40 s with new connections". */
function missText({ gaps }: RunsSummary): string {
  const parts = gaps.flatMap(({ connection, target, p50, max, dead }) => {
    if (!target) return [];
    const over = [...(p50 > target.p50 ? [`median ${secondsText(p50)} instead of ${secondsText(target.p50)}`] : []), ...(max > target.max ? [`longest ${secondsText(max)} instead of ${secondsText(target.max)}`] : []), ...(dead > 0 ? ['a lane that never came back'] : [])];
    return over.length > 0 ? [`${listText(over)} with ${connectionText[connection]}`] : [];
  });
  return parts.join(', ');
}

function restoreSentences(runs: readonly DrillRun[]): string[] {
  const left = runs.filter(({ restored }) => !restored);
  return left.length === 0 ? [] : [`After ${countOf(left.length, 'run')} the cluster was not healthy again: ${listText(left.map(({ fault, setup, seed }) => `${fault.id} (${setup}, seed ${seed})`))}.`];
}
