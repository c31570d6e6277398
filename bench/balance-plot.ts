import { writeFile } from 'node:fs/promises';
import { markup, type Markup } from '../src/drills/report/markup.ts';
import { placed, timeScale, type TimeScale } from '../src/drills/report/time-scale.ts';
import type { bySecond } from './balance-figures.ts';
import type { Turn } from './balance-steering.ts';

export interface DrawnBalance {
  /** When the neighbour began, ms since the epoch, and for how many seconds it burnt. */
  readonly from: number;
  readonly busy: number;
  readonly turns: readonly Turn[];
  readonly seconds: readonly { readonly kind: string; readonly seconds: ReturnType<typeof bySecond> }[];
}

type Point = readonly [second: number, value: number];
interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
}

// Told apart by people with the common kinds of colour blindness (after Okabe and Ito).
const colours = ['#b23c00', '#0072b2', '#00664a'] as const;
const [left, right, height, step] = [64, 820, 110, 158] as const;

/** Weights, loads, shares and latencies of one run of each over time, as an SVG. */
export async function drawBalance(path: string, { from, busy, turns, seconds }: DrawnBalance): Promise<void> {
  const second = (at: number) => (at - from) / 1000;
  const scale = timeScale({ from: -10_000, to: (busy + 25) * 1000, left, right });
  const ofServers = (value: (turn: Turn, server: string) => number | undefined): Line[] => ['w1', 'w2'].map((server, position) => ({ name: server, colour: colours[position]!, points: turns.flatMap((turn): Point[] => { const found = value(turn, server); return found === undefined ? [] : [[second(turn.at), found]]; }) }));
  const ofKinds = (value: (one: DrawnBalance['seconds'][number]['seconds'][number]) => number): Line[] => seconds.map((one, position) => ({ name: one.kind, colour: colours[position]!, points: one.seconds.map((part): Point => [part.second + 0.5, value(part)]) }));
  const panels: readonly Markup[] = [
    panel('weight, % (kubekeep)', ofServers((turn, server) => turn.weights[server]), { top: 24, scale, place: linear(100), ticks: [0, 50, 100] }),
    panel('load that the nodes say, % (kubekeep)', ofServers((turn, server) => turn.loads[server]), { top: 24 + step, scale, place: linear(100), ticks: [0, 50, 100] }),
    panel('share of w1, %', ofKinds((one) => one.share * 100), { top: 24 + step * 2, scale, place: linear(100), ticks: [0, 20, 50, 100] }),
    panel('p99 of each second, ms', ofKinds((one) => one.p99), { top: 24 + step * 3, scale, place: logarithmic(5, 20_000), ticks: [10, 100, 1000, 10_000] }),
  ];
  const bottom = 24 + step * 3 + height;
  const [start, end] = [scale.place(0), scale.place(busy * 1000)];
  const picture = markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 940 ${bottom + 44}" font-family="sans-serif" font-size="11" role="img">
<title>Weights, loads, shares and latencies while a neighbour burns the processors of w1</title>
<rect width="940" height="${bottom + 44}" fill="#fff"/>
<rect x="${placed(start)}" y="18" width="${placed(end - start)}" height="${bottom - 18}" fill="#7a5ea8" opacity=".13"/>
${panels}
${scale.ticks.map(({ time, label }) => markup`<text text-anchor="middle" x="${placed(scale.place(time))}" y="${bottom + 16}" fill="#56616c">${label}</text>`)}
<text text-anchor="middle" x="${(left + right) / 2}" y="${bottom + 34}" fill="#56616c">seconds after the neighbour began; it burns in the shaded time</text>
</svg>`;
  await writeFile(path, `${picture.html}\n`);
}

interface Panel {
  readonly top: number;
  readonly scale: TimeScale;
  /** 0 to 1. */
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

function panel(title: string, lines: readonly Line[], { top, scale, place, ticks }: Panel): Markup {
  const y = (value: number) => placed(top + height * (1 - place(value)));
  return markup`<g><text x="${left}" y="${top - 6}" font-weight="600" fill="#1b2126">${title}</text>
${ticks.map((tick) => markup`<path d="M${left} ${y(tick)}H${right}" stroke="#d5dbe1"/><text text-anchor="end" x="${left - 6}" y="${y(tick)}" dy="4" fill="#56616c">${tick}</text>`)}
${lines.map(({ name, colour, points }, position) => markup`<path fill="none" stroke="${colour}" stroke-width="1.6" ${markup`stroke-dasharray="${['none', '5 3', '2 2'][position]!}"`} d="${points.filter(([, value]) => Number.isFinite(value)).map(([second, value], at) => `${at === 0 ? 'M' : 'L'}${placed(scale.place(second * 1000))} ${y(value)}`).join('')}"/><text x="${right + 8}" y="${top + 14 + position * 15}" fill="${colour}">${name}</text>`)}</g>`;
}

function linear(most: number): (value: number) => number {
  return (value) => Math.min(1, Math.max(0, value / most));
}

function logarithmic(least: number, most: number): (value: number) => number {
  return (value) => Math.min(1, Math.max(0, Math.log(Math.max(value, least) / least) / Math.log(most / least)));
}
