import { countOf, secondsText } from './figure-text.ts';
import { markup, type Markup } from './markup.ts';
import { cutText, textWidth } from './picture-text.ts';
import type { GapSummary, RunsSummary } from './summarize-runs.ts';
import { connectionText } from './summary-text.ts';
import { placed } from './time-scale.ts';

const [left, right, rowHeight] = [232, 900, 58];

/** The longest gap of each run of one fault as a dot, a line for each set-up and kind of connection, with the target. */
export function renderStripPlot(summaries: readonly RunsSummary[], id: string): Markup | undefined {
  const rows = summaries.flatMap(({ setup, gaps }) => gaps.map((gap) => ({ setup, gap })));
  const values = rows.flatMap(({ gap }) => [...gap.values.map((value) => value.gap), ...(gap.target ? [gap.target.max, gap.target.p50] : [])]).filter((value) => Number.isFinite(value));
  if (values.length === 0) return undefined;
  const scale = gapScale(values);
  const bottom = 16 + rows.length * rowHeight;
  const fault = summaries[0]!.fault;
  return markup`<svg class="strips" viewBox="0 0 1000 ${bottom + 40}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">Longest gap of each run of ${fault.id}, ${fault.title}</title><desc id="${id}-text">${rows.map(rowText).join(' ')}</desc>
<path class="grid" d="${scale.ticks.map((tick) => `M${placed(scale.place(tick))} 8V${bottom}`).join('')}"/>
${rows.map(({ setup, gap }, position) => stripRow(setup, gap, 16 + position * rowHeight, scale.place))}
<path class="axis" d="M${left} ${bottom}H${right}"/>
${scale.ticks.map((tick) => markup`<text class="small muted" text-anchor="middle" x="${placed(scale.place(tick))}" y="${bottom + 15}">${tick === 0 ? '0' : `${tick / 1000}`}</text>`)}
<text class="small muted" text-anchor="middle" x="${(left + right) / 2}" y="${bottom + 32}">longest time without a successful write, seconds${scale.isLogarithmic ? ' (logarithmic scale)' : ''}</text>
</svg>`;
}

function rowText({ setup, gap }: { readonly setup: string; readonly gap: GapSummary }): string {
  const each = gap.values.map((value) => secondsText(value.gap)).join(', ');
  const aim = gap.target ? ` Target: median ${secondsText(gap.target.p50)}, longest ${secondsText(gap.target.max)}, ${gap.met ? 'met' : 'missed'}.` : '';
  return `${setup}, ${connectionText[gap.connection]}: ${countOf(gap.values.length, 'run')}, ${each}; median ${secondsText(gap.p50)}.${aim}`;
}

function stripRow(setup: string, gap: GapSummary, top: number, place: (value: number) => number): Markup {
  const middle = top + 34;
  return markup`<g><text class="label" x="0" y="${middle - 2}">${cutText(setup, left - 14, 12)}</text><text class="small muted" x="0" y="${middle + 12}">${connectionText[gap.connection]}</text>
<path class="strip" d="M${left} ${middle}H${right}"/>${gap.target && targetLines(gap.target, top, place)}
${dots(gap, place).map(({ value, x, lift }) => markup`<g><title>${value.run}: ${secondsText(value.gap)}${value.dead ? ', never came back' : ''}</title>${value.dead ? markup`<path class="dot dead" d="M${placed(x - 4)} ${placed(middle + lift - 5)}l9 5l-9 5z"/>` : markup`<circle class="dot" cx="${placed(x)}" cy="${placed(middle + lift)}" r="4"/>`}</g>`)}
<path class="median" d="M${placed(place(gap.p50))} ${middle - 17}v34"/>
<text class="small strong" x="${right + 10}" y="${middle - 2}">${secondsText(gap.p50)}</text><text class="small muted" x="${right + 10}" y="${middle + 12}">max ${secondsText(gap.max)}</text></g>`;
}

function targetLines({ p50, max }: NonNullable<GapSummary['target']>, top: number, place: (value: number) => number): Markup {
  const [a, b] = [place(p50), place(max)];
  const words = ['median target', 'max target'] as const;
  const name = (at: number, text: string, isLeft: boolean) => markup`<text class="tiny target-name halo" text-anchor="${isLeft ? 'end' : 'start'}" x="${placed(isLeft ? at - 3 : at + 3)}" y="${top + 12}">${text}</text>`;
  // Side by side the two names need room; otherwise the first ends at its line, and the last where the picture ends.
  const isLast = b + textWidth(words[1], 10) > right;
  const isTight = b - a < (isLast ? 2 : 1) * textWidth(words[0], 10) + 8;
  return markup`<path class="target-median" d="M${placed(a)} ${top + 4}v50"/><path class="target-max" d="M${placed(b)} ${top + 4}v50"/>${name(a, words[0], isTight)}${name(b, words[1], isLast)}`;
}

/** Dots that would cover each other move up and down in turn. */
function dots({ values }: GapSummary, place: (value: number) => number): { readonly value: GapSummary['values'][number]; readonly x: number; readonly lift: number }[] {
  const lifts = [0, -7, 7, -13, 13];
  const placedDots: { x: number; lift: number }[] = [];
  return values.toSorted((a, b) => a.gap - b.gap).map((value) => {
    const x = place(value.gap);
    const near = placedDots.filter((dot) => x - dot.x < 8);
    const lift = lifts.find((one) => near.every((dot) => dot.lift !== one)) ?? lifts[near.length % lifts.length]!;
    placedDots.push({ x, lift });
    return { value, x, lift };
  });
}

/** From zero in equal steps; where some gaps are many times as long as others, in equal ratios. */
function gapScale(values: readonly number[]): { readonly place: (value: number) => number; readonly ticks: readonly number[]; readonly isLogarithmic: boolean } {
  const greatest = Math.max(100, ...values);
  const smallest = Math.max(1, Math.min(...values.filter((value) => value > 0), greatest));
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000];
  if (greatest / smallest > 25) {
    const from = steps.findLast((step) => step <= smallest) ?? 1;
    const to = steps.find((step) => step >= greatest) ?? greatest;
    const ratio = (value: number) => Math.log(Math.max(value, from) / from) / Math.log(to / from);
    return { isLogarithmic: true, ticks: steps.filter((step) => step >= from && step <= to), place: (value) => left + ratio(value) * (right - left) };
  }
  const step = steps.find((one) => greatest / one <= 8) ?? greatest;
  const to = Math.ceil((greatest * 1.02) / step) * step;
  return { isLogarithmic: false, ticks: Array.from({ length: Math.round(to / step) + 1 }, (_, position) => position * step), place: (value) => left + (value / to) * (right - left) };
}
