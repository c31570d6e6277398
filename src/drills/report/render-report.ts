import type { DrillRecord } from '../history/record.ts';
import type { DrillRun } from './drill-run.ts';
import { countOf, countText, listText, momentText } from './figure-text.ts';
import { markup, type Markup } from './markup.ts';
import { badge, renderRun } from './run-section.ts';
import { renderStripPlot } from './strip-plot.ts';
import { reportStyle } from './report-style.ts';
import { measuredLanes, summarizeRuns, worstVerdict, type GapSummary, type RunsSummary } from './summarize-runs.ts';
import { failedText, gapOf, gapText, lostText, summarySentences, targetText, verdictText } from './summary-text.ts';

/**
 * The runs as one HTML page that needs nothing else: no script, no other file, nothing from the network. `histories` and `damage` (lines that
 * could not be read) are by the runs' ids; a run without a history is shown with the figures that it has. `unfinished` are runs without a result.
 */
export function renderReport(runs: readonly DrillRun[], histories: ReadonlyMap<string, readonly DrillRecord[]>, damage: ReadonlyMap<string, readonly string[]> = new Map(), unfinished: readonly string[] = []): string {
  const summaries = summarizeRuns(runs);
  const faults = [...Map.groupBy(summaries, ({ fault }) => fault.id).values()];
  const { html } = markup`<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<title>Drills: ${titleOf(runs)}</title>
<style>${{ html: reportStyle }}</style>
</head>
<body>
${patterns}
<main>
<header><h1>Drills: ${titleOf(runs)}</h1>${aboutText(runs)}</header>
<section aria-labelledby="summary"><h2 id="summary">Summary</h2>
<div class="words">${summarySentences(runs, summaries, unfinished).map((sentence) => markup`<p>${sentence}</p>`)}</div>
${summaries.length > 0 && summaryTable(summaries)}</section>
${faults.length > 0 && markup`<section aria-labelledby="spread"><h2 id="spread">Longest gap, run by run</h2>
<p class="muted">Each dot is one run; a triangle is a run at whose end writes still failed. The bar is the median.</p>
${faults.map((ofFault, position) => markup`<h3>${ofFault[0]!.fault.id}: ${ofFault[0]!.fault.title} <span class="muted">(${ofFault[0]!.fault.component})</span></h3>${stripPicture(ofFault, position)}`)}</section>
<section aria-labelledby="runs"><h2 id="runs">Runs</h2>
${legend}
${runSections(runs, histories, damage)}</section>`}
<footer><h2>What the figures mean</h2>${meanings}</footer>
</main>
</body>
</html>
`;
  return `<!DOCTYPE html>\n${html}`;
}

function titleOf(runs: readonly DrillRun[]): string {
  return runs.length === 0 ? 'no runs' : listText([...new Set(runs.map(({ cluster }) => cluster))]);
}

function aboutText(runs: readonly DrillRun[]): Markup | undefined {
  if (runs.length === 0) return undefined;
  const starts = runs.map(({ startedAt }) => startedAt).toSorted((a, b) => a - b);
  const versions = new Set(runs.map(({ versions: { kubernetes, etcd, haproxy, keepalived } }) => [`Kubernetes ${kubernetes}`, `etcd ${etcd}`, ...(haproxy ? [`HAProxy ${haproxy}`] : []), ...(keepalived ? [`keepalived ${keepalived}`] : [])].join(', ')));
  const topologies = [...new Set(runs.map(({ topology }) => topology))];
  return markup`<p class="muted">Topology ${listText(topologies)} \u00b7 ${[...versions].join('; ')} \u00b7 ${momentText(starts[0]!)}${starts.length > 1 && ` to ${momentText(starts.at(-1)!)}`}</p>`;
}

function summaryTable(summaries: readonly RunsSummary[]): Markup {
  const short = summaries.some((summary) => gapOf(summary, 'reused, short'));
  return markup`<p class="muted caption" id="summary-table">Longest time without a successful write through the VIP: median / longest over the runs.</p>
<div class="scroll" tabindex="0" role="group" aria-label="Summary table"><table aria-describedby="summary-table">
<thead><tr><th scope="col">Fault</th><th scope="col">Set-up</th><th scope="col">Runs</th><th scope="col">New connections</th><th scope="col">Reused connection</th>${short && markup`<th scope="col">Reused, short timers</th>`}<th scope="col">Failed requests</th><th scope="col">Lost writes</th><th scope="col">Verdicts</th><th scope="col">Target</th></tr></thead>
<tbody>${summaries.map((summary) => markup`<tr><th scope="row">${summary.fault.id} <span class="fault-title">${summary.fault.title}</span></th><td>${summary.setup}</td><td class="number">${countText(summary.runs)}</td>${gapCell(gapOf(summary, 'new'))}${gapCell(gapOf(summary, 'reused'))}${short && gapCell(gapOf(summary, 'reused, short'))}<td class="number">${failedText(summary)}</td><td class="number${summary.lost.count > 0 && ' bad'}">${lostText(summary)}</td><td>${badge(summary.verdict)}${verdictText(summary) !== summary.verdict && markup` <span class="small-text">${verdictText(summary)}</span>`}</td><td>${targetCell(summary)}</td></tr>`)}</tbody></table></div>`;
}

function gapCell(gap: GapSummary | undefined): Markup {
  return markup`<td class="number">${gapText(gap && { ...gap, dead: 0 })}${gap !== undefined && gap.dead > 0 && markup`<span class="aside bad">${gap.dead} never came back</span>`}</td>`;
}

function targetCell({ target }: RunsSummary): Markup {
  if (target === 'none') return markup`<span class="muted">${targetText.none}</span>`;
  return markup`<span class="badge ${target === 'met' ? 'held' : 'broken'}">${target === 'met' ? '\u2713' : '\u2717'} ${targetText[target]}</span>`;
}

function stripPicture(summaries: readonly RunsSummary[], position: number): Markup {
  const plot = renderStripPlot(summaries, `strips-${position + 1}`);
  return plot ? markup`<div class="scroll" tabindex="0" role="group" aria-label="Longest gaps of ${summaries[0]!.fault.id}">${plot}</div>` : markup`<p class="warning">No write lane through the VIP was measured.</p>`;
}

/** A few runs are all open; of many, those that need a look: the longest gap of its fault, and whatever did not hold. */
function runSections(runs: readonly DrillRun[], histories: ReadonlyMap<string, readonly DrillRecord[]>, damage: ReadonlyMap<string, readonly string[]>): Markup {
  const titles = new Map(runs.map(({ fault }) => [fault.id, fault.title]));
  const groups = Map.groupBy(runs, ({ fault, setup }) => JSON.stringify([fault.id, setup]));
  const worstGap = (run: DrillRun) => Math.max(0, ...measuredLanes(run).map(({ longestGap }) => longestGap));
  const longest = new Set([...groups.values()].map((ofGroup) => ofGroup.toSorted((a, b) => worstGap(b) - worstGap(a))[0]!));
  const open = (run: DrillRun) => runs.length <= 5 || longest.has(run) || worstVerdict(run) !== 'held' || !run.restored;
  const closed = runs.filter((run) => !open(run)).length;
  return markup`${closed > 0 && markup`<p class="muted">${countOf(closed, 'run')} of ${runs.length} can be opened below; the others are open because they took longest or did not hold.</p>`}
${runs.map((run, position) => {
  const ofGroup = groups.get(JSON.stringify([run.fault.id, run.setup]))!;
  return renderRun(run, { id: `run-${position + 1}`, place: `run ${ofGroup.indexOf(run) + 1} of ${ofGroup.length}`, open: open(run), records: histories.get(run.id), damage: damage.get(run.id) ?? [], faultTitle: (id) => titles.get(id) ?? '' });
})}`;
}

/** Hatchings that all pictures share. */
const patterns = markup`<svg class="patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="hatch-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-back" width="6" height="6"/><rect class="hatch-line" width="2" height="6"/></pattern>
<pattern id="hatch-down" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="hatch-back" width="4" height="4"/><rect class="hatch-thin" width="1" height="4"/></pattern>
</defs></svg>`;

const legend = markup`<ul class="legend">
<li><svg viewBox="0 0 40 16" aria-hidden="true"><path class="answers" d="M2 8h26m3 0h1m4 0h1"/></svg> acknowledged answers</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="gap" x="4" y="1" width="32" height="13"/></svg> longest gap of the lane</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><path class="unknown" d="M11 5l6 6m0 -6l-6 6M23 5l6 6m0 -6l-6 6"/></svg> failed, may have happened (time-out, cut, 5xx; or a watch cut)</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><path class="refused" d="M14 4.500l3.500 3.500l-3.500 3.500l-3.500 -3.500zM26 4.500l3.500 3.500l-3.500 3.500l-3.500 -3.500z"/></svg> failed, surely did not happen</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="window" x="2" y="0" width="36" height="16"/></svg> fault, until it was undone</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="up" x="2" y="6" width="36" height="4"/></svg> server up</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="down" x="2" y="2" width="36" height="12"/></svg> server down</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="drain" x="2" y="2" width="36" height="12"/></svg> server drained</li>
<li><svg viewBox="0 0 40 16" aria-hidden="true"><rect class="two" x="3" y="2" width="34" height="12"/></svg> two hosts at once</li>
</ul>`;

const meanings = markup`<ul>
<li><strong>Longest gap</strong>: longest time without an acknowledged request on a lane. Requests are sent at fixed times whether those before were answered or not, so a pause is never hidden.</li>
<li><strong>Failed requests</strong>: those of the write lanes through the VIP that were refused or got no answer. A failed request is drawn at the time at which it was due.</li>
<li><strong>Lost writes</strong>: acknowledged, but not there at the end. None may be.</li>
<li><strong>Verdicts</strong>: a promise is held, broken, or it is unknown whether it held; unknown never counts as held.</li>
<li><strong>Target</strong>: met where the median and the longest gap of each kind of connection are within what was aimed at, and every lane came back.</li>
</ul>`;
