import { connectionKinds, type DrillRecord } from '../history/record.ts';
import type { VerdictState } from '../history/verdict.ts';
import type { DrillRun, LaneFigures } from './drill-run.ts';
import { countText, listText, momentText, secondsText } from './figure-text.ts';
import { markup, type Markup } from './markup.ts';
import { readRunHistory, type RunHistory } from './run-history.ts';
import { runStory } from './run-story.ts';
import { measuredLanes, worstVerdict } from './summarize-runs.ts';
import { shortConnectionText } from './summary-text.ts';
import { renderTimeline } from './timeline.ts';

export interface RunSectionOptions {
  /** Unique in the page. */
  readonly id: string;
  /** "run 3 of 5". */
  readonly place: string;
  readonly open: boolean;
  readonly records: readonly DrillRecord[] | undefined;
  /** Lines of the history that could not be read. */
  readonly damage: readonly string[];
  readonly faultTitle: (id: string) => string;
}

/** One run: what came out, its timeline, and its figures and verdicts as tables. */
export function renderRun(run: DrillRun, { id, place, open, records, damage, faultTitle }: RunSectionOptions): Markup {
  const history = records && readRunHistory(records);
  const state = worstVerdict(run);
  return markup`<details class="run" id="${id}"${open && markup` open="open"`}>
<summary><span class="run-name">${run.fault.id} \u00b7 ${run.setup} \u00b7 ${place}</span> ${badge(state)}${!run.restored && markup` <span class="badge broken">\u2717 not restored</span>`} <span class="run-gaps">${gapWords(run)}</span></summary>
<p class="muted">${run.fault.id}: ${run.fault.title}. Started ${momentText(run.startedAt)}, seed ${run.seed}, run ${run.id}, history in <code>${run.history}</code>.</p>
${!run.restored && markup`<p class="warning"><strong>The cluster was not healthy again after this run.</strong></p>`}
${history ? timelines(run, history, { id, faultTitle }) : markup`<p class="warning"><strong>There is no timeline:</strong> ${records === undefined ? 'the history of this run could not be read' : 'the history of this run is empty'} (<code>${run.history}</code>). The figures below are those that were noted when the run ended.</p>`}
${damageText([...damage, ...(history?.problems ?? [])], run.history)}
<h4>Verdicts</h4>
${verdictTable(run)}
<h4>Lanes</h4>
${laneTable(run.lanes)}
</details>`;
}

export function badge(state: VerdictState): Markup {
  const sign = { held: '\u2713', unknown: '?', broken: '\u2717' }[state];
  return markup`<span class="badge ${state}">${sign} ${state}</span>`;
}

function gapWords(run: DrillRun): string {
  const parts = connectionKinds.flatMap((connection) => {
    const lanes = measuredLanes(run).filter((lane) => lane.connection === connection);
    if (lanes.length === 0) return [];
    const dead = lanes.some((lane) => lane.dead) ? ' and never came back' : '';
    return [`${secondsText(Math.max(...lanes.map(({ longestGap }) => longestGap)))} (${shortConnectionText[connection]}${dead})`];
  });
  return parts.length === 0 ? 'no write lane through the VIP' : `no write for ${listText(parts)}`;
}

function timelines(run: DrillRun, history: RunHistory, { id, faultTitle }: Pick<RunSectionOptions, 'id' | 'faultTitle'>): Markup {
  const story = runStory(history);
  const title = `${run.fault.id} in ${run.setup}, run ${run.id}`;
  const close = closeUp(history);
  const description = story.join(' ');
  return markup`${close && picture('Close-up: the seconds that clients felt', renderTimeline(history, { id: `${id}-close`, title: `${title}: close-up from ${secondsText(close.from)} to ${secondsText(close.to)}`, description, ...close, faultTitle }))}
${picture(close ? 'The whole run' : '', renderTimeline(history, { id: `${id}-whole`, title: `${title}: the whole run`, description, from: history.from, to: history.to, faultTitle }))}
<ul class="story">${story.map((sentence) => markup`<li>${sentence}</li>`)}</ul>`;
}

function picture(caption: string, drawing: Markup): Markup {
  return markup`<figure>${caption !== '' && markup`<figcaption>${caption}</figcaption>`}<div class="scroll" tabindex="0" role="group" aria-label="${caption === '' ? 'Timeline' : caption}">${drawing}</div></figure>`;
}

/** From a second before the fault to a while after the last long gap ended; none where that is most of the run anyway. */
function closeUp({ lanes, from, to, marks }: RunHistory): { readonly from: number; readonly to: number } | undefined {
  const begins = Math.min(0, ...marks.filter(({ what }) => what === 'fault begins').map(({ at }) => at));
  const gaps = lanes.filter(({ lane }) => lane?.door === 'VIP').flatMap(({ gap }) => (gap?.isLong && !gap.open && gap.to > begins && gap.from < 30_000 ? [gap] : []));
  const ends = gaps.map((gap) => gap.to);
  const close = { from: Math.max(from, begins - 1000), to: Math.min(to, Math.max(3000, ...ends.map((end) => end * 1.15 + 500))) };
  return gaps.length > 0 && (close.to - close.from) * 2 < to - from ? close : undefined;
}

function damageText(problems: readonly string[], file: string): Markup | undefined {
  if (problems.length === 0) return undefined;
  const shown = problems.length > 10 ? [...problems.slice(0, 10), `${problems.length - 10} more`] : problems;
  return markup`<div class="warning"><strong>The history <code>${file}</code> is not whole:</strong><ul>${shown.map((problem) => markup`<li>${problem}</li>`)}</ul></div>`;
}

function verdictTable({ verdicts }: DrillRun): Markup {
  if (verdicts.length === 0) return markup`<p class="warning">No promise was checked in this run: whether any held is unknown.</p>`;
  const order: readonly VerdictState[] = ['broken', 'unknown', 'held'];
  const rows = verdicts.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return table(['Guarantee', 'Verdict', 'Promise', 'Found'], markup`${rows.map(({ guarantee, state, promise, found, breaches }) => markup`<tr><th scope="row">${guarantee}</th><td>${badge(state)}</td><td class="text">\u201c${promise}\u201d</td><td class="text">${found}${breaches.length > 0 && markup`<ul class="breaches">${breaches.map((breach) => markup`<li>${breach}</li>`)}</ul>`}</td></tr>`)}`);
}

function laneTable(lanes: readonly LaneFigures[]): Markup {
  if (lanes.length === 0) return markup`<p class="warning">This run has no figures of lanes.</p>`;
  return table(
    ['Lane', 'Requests', 'Acknowledged', 'Refused', 'Unknown', 'Longest gap', 'p50', 'p99', 'p99.9'],
    markup`${lanes.map((lane) => markup`<tr><th scope="row">${lane.name}</th>${[lane.requests, lane.acknowledged, lane.refused, lane.unknown].map((count) => markup`<td class="number">${countText(count)}</td>`)}<td class="number">${secondsText(lane.longestGap)}${lane.dead && markup` <strong class="bad">no end</strong>`}</td>${[lane.p50, lane.p99, lane.p999].map((latency) => markup`<td class="number">${latencyText(latency)}</td>`)}</tr>`)}`,
  );
}

function latencyText(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return '\u2013';
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms` : secondsText(milliseconds);
}

function table(titles: readonly string[], rows: Markup): Markup {
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="${titles[0]!} table"><table><thead><tr>${titles.map((title) => markup`<th scope="col">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}
