import type { Mark } from '../history/record.ts';
import { countText, secondsText } from './figure-text.ts';
import { markup, type Markup } from './markup.ts';
import { cutText, textWidth } from './picture-text.ts';
import type { FaultWindow, LaneGap, LaneTrack } from './run-history.ts';
import { connectionText } from './summary-text.ts';
import { placed, type TimeScale } from './time-scale.ts';
import type { TimelineRow } from './timeline-row.ts';

const bandHeight = 13;
const signWidth = 7;

/** A lane: its answers as a band, its failures as signs below, its longest gap with its length. */
export function laneRow(track: LaneTrack, scale: TimeScale): TimelineRow {
  const { name, lane, answers, unknown, refused, cuts, gap } = track;
  const [what, how] = lane ? [`${lane.workload}, ${lane.door}`, connectionText[lane.connection]] : [name, ''];
  const failed = unknown.length + refused.length + cuts.length;
  return {
    height: 26,
    draw: (top) => markup`<g><title>${name}: ${countText(answers.length)} answers, ${countText(refused.length)} refused, ${countText(unknown.length)} unknown${cuts.length > 0 && `, watch cut ${cuts.length} times`}</title>
<text class="label" x="0" y="${placed(top + 10)}">${cutText(what, 164, 12)}</text><text class="small muted" x="0" y="${placed(top + 23)}">${cutText(how, 164, 10.5)}</text>
<path class="answers" d="${bandPath(answers, top + bandHeight / 2, scale)}"/>
${gap?.isLong && gapSign(gap, top, scale)}
<path class="refused" d="${signsPath(refused, scale, (x) => `M${x} ${placed(top + 16)}l3.5 3.5l-3.5 3.5l-3.5 -3.5z`)}"/>
<path class="unknown" d="${signsPath([...unknown, ...cuts], scale, (x) => `M${placed(Number(x) - 3)} ${placed(top + 16.5)}l6 6m0 -6l-6 6`)}"/>
<text class="figure" x="${scale.right + 8}" y="${placed(top + 10)}">${gap ? (gap.open ? 'no end' : secondsText(gap.to - gap.from)) : ''}</text>
<text class="small ${failed > 0 ? 'bad' : 'muted'}" x="${scale.right + 8}" y="${placed(top + 23)}">${failed > 0 ? `${countText(failed)} failed` : '0 failed'}</text></g>`,
  };
}

/** What was done to the cluster, with its name, from its beginning until it was undone. */
export function faultRow({ about, from, to, undone }: FaultWindow, title: string, scale: TimeScale): TimelineRow {
  const [start, end] = [scale.place(from), scale.place(to)];
  const text = title === '' || title === about ? about : `${about}: ${title}`;
  const room = { inside: end - start - 10, after: scale.right - end - 8 };
  const isInside = textWidth(text, 11) <= room.inside || room.inside >= room.after;
  return {
    height: 18,
    draw: (top) => markup`<g><title>${text}, ${secondsText(to - from)}${undone ? '' : ', never undone'}</title><text class="label" x="0" y="${placed(top + 13)}">fault</text>
<rect class="fault" x="${placed(start)}" y="${placed(top)}" width="${placed(Math.max(2, end - start))}" height="18"/>
<text class="small ${isInside ? 'on-fault' : 'halo'}" x="${placed(isInside ? start + 5 : end + 5)}" y="${placed(top + 13)}">${cutText(text, isInside ? room.inside : room.after, 11)}</text></g>`,
  };
}

const markClass: Readonly<Record<Mark['what'], string>> = { 'fault begins': 'mark', 'fault is in': 'mark strong', 'undo begins': 'mark', 'undone': 'mark', 'healthy': 'mark healthy', 'note': 'mark note' };

/** The drill's marks as lines from top to bottom, with their names above; where two names would meet, one goes a line higher. */
export function markLabels(marks: readonly Mark[], scale: TimeScale): { readonly height: number; readonly draw: (bottom: number) => Markup } {
  const begins: number[] = [];
  // From the last to the first, so that a mark's line passes left of the names that are lower.
  const labels = marks.filter(({ at }) => at >= scale.from && at <= scale.to).toReversed().map((mark) => {
    const at = scale.place(mark.at);
    const text = mark.what === 'note' ? '' : mark.what;
    const width = textWidth(text, 10.5) + 10;
    const begin = at + width > scale.right + 90 ? at - width : at;
    const free = begins.findIndex((one) => begin + width <= one);
    const level = text === '' ? 0 : free === -1 ? begins.length : free;
    if (text !== '') begins[level] = begin;
    return { mark, at, text, level, isLeft: begin < at };
  });
  const height = Math.max(1, begins.length) * 14;
  return {
    height,
    draw: (bottom) => markup`${labels.map(({ mark, at, text, level, isLeft }) => {
      const top = height - (level + 1) * 14;
      return markup`<g><title>${mark.what === 'note' ? mark.about : `${mark.what}: ${mark.about}`}, ${secondsText(mark.at)}</title><path class="${markClass[mark.what]}" d="M${placed(at)} ${placed(text === '' ? height + 6 : top + 2)}V${placed(bottom)}"/>${text !== '' && markup`<text class="small halo" text-anchor="${isLeft ? 'end' : 'start'}" x="${placed(isLeft ? at - 4 : at + 4)}" y="${placed(top + 11)}">${text}</text>`}</g>`;
    })}`,
  };
}

/** Ticks of one unit's width, joined where they touch, so that a minute of a busy lane is a handful of strokes. */
function bandPath(times: readonly number[], middle: number, scale: TimeScale): string {
  const columns = new Set<number>();
  for (const time of times) if (time >= scale.from && time <= scale.to) columns.add(Math.min(Math.floor(scale.place(time)), scale.right - 1));
  const filled = [...columns].sort((a, b) => a - b);
  let path = '';
  let end = 0;
  for (let position = 0; position < filled.length; ) {
    const start = filled[position]!;
    let length = 1;
    while (filled[position + length] === start + length) length++;
    path += path === '' ? `M${start} ${placed(middle)}h${length}` : `m${start - end} 0h${length}`;
    end = start + length;
    position += length;
  }
  return path;
}

/** Signs of failures, as many as fit beside each other. */
function signsPath(times: readonly number[], scale: TimeScale, sign: (x: string) => string): string {
  const columns = new Set(times.filter((time) => time >= scale.from && time <= scale.to).map((time) => Math.round(scale.place(time) / signWidth)));
  return [...columns].map((column) => sign(placed(column * signWidth))).join('');
}

function gapSign({ from, to, open }: LaneGap, top: number, scale: TimeScale): Markup | undefined {
  if (to < scale.from || from > scale.to) return undefined;
  const [start, end] = [scale.place(from), scale.place(to)];
  const width = Math.max(1.5, end - start);
  const text = open ? `${secondsText(to - from)}, no end` : secondsText(to - from);
  const fits = textWidth(text, 10.5) + 10 < width;
  const box = textWidth(text, 10.5) + 6;
  return markup`<rect class="gap" x="${placed(start)}" y="${placed(top)}" width="${placed(width)}" height="${bandHeight}"/>${fits && markup`<rect class="plate" x="${placed(start + (width - box) / 2)}" y="${placed(top + 1)}" width="${placed(box)}" height="${bandHeight - 2}"/><text class="small strong" text-anchor="middle" x="${placed(start + width / 2)}" y="${placed(top + 10)}">${text}</text>`}`;
}
