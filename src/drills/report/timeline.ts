import { markup, type Markup } from './markup.ts';
import { faultRow, laneRow, markLabels } from './timeline-lanes.ts';
import { balancerRows, spanRow } from './timeline-hosts.ts';
import type { RunHistory } from './run-history.ts';
import { placed, timeScale, type TimeScale } from './time-scale.ts';

export interface TimelineOptions {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What the picture shows, in words. */
  readonly description: string;
  readonly from: number;
  readonly to: number;
  /** A fault's title by its id. */
  readonly faultTitle: (id: string) => string;
}

const timelineWidth = 1000;
/** The lanes' names are left of the first, their figures right of the second. */
const [left, right] = [172, 904];
const gapBetweenRows = 4;

/** Lanes, VIP, etcd's leader and the balancers' servers over one time axis, as an SVG. */
export function renderTimeline(history: RunHistory, options: TimelineOptions): Markup {
  const scale = timeScale({ from: options.from, to: options.to, left, right });
  const labels = markLabels(history.marks, scale);
  const groups = [
    history.faults.map((window) => faultRow(window, options.faultTitle(window.about), scale)),
    history.lanes.map((track) => laneRow(track, scale)),
    history.vip.length + history.leader.length === 0 ? [] : [spanRow('VIP is on', history.vip, history, scale), ...(history.answering.length > 0 ? [spanRow('VIP answers ARP', history.answering, history, scale)] : []), spanRow('etcd leader', history.leader, history, scale)],
    balancerRows(history.balancers, scale),
  ];
  let top = labels.height + 6;
  const first = top;
  const drawn = groups.filter((rows) => rows.length > 0).flatMap((rows) => {
    const group = rows.map((row) => {
      const place = top;
      top += row.height + gapBetweenRows;
      return row.draw(place);
    });
    top += 8;
    return group;
  });
  const bottom = top - 8;
  return markup`<svg class="timeline" viewBox="0 0 ${timelineWidth} ${placed(bottom + 36)}" role="img" aria-labelledby="${options.id}-title ${options.id}-text">
<title id="${options.id}-title">${options.title}</title><desc id="${options.id}-text">${options.description}</desc>
${background(history, scale, first, bottom)}
${labels.draw(bottom)}
${drawn}
${axis(history, scale, bottom)}
</svg>`;
}

function background({ faults }: RunHistory, scale: TimeScale, top: number, bottom: number): Markup {
  const height = placed(bottom - top);
  const windows = faults.filter(({ from, to }) => to > scale.from && from < scale.to).map(({ from, to }) => {
    const [start, end] = [scale.place(from), scale.place(to)];
    return markup`<rect class="window" x="${placed(start)}" y="${placed(top)}" width="${placed(Math.max(1, end - start))}" height="${height}"/>`;
  });
  const lines = scale.ticks.map(({ time }) => `M${placed(scale.place(time))} ${placed(top)}v${height}`).join('');
  return markup`${windows}<path class="grid" d="${lines}"/>`;
}

function axis({ origin }: RunHistory, scale: TimeScale, bottom: number): Markup {
  const meaning = { 'fault is in': 'seconds after the fault is in', 'fault begins': 'seconds after the fault begins', 'start of the run': 'seconds after the start of the run' }[origin];
  return markup`<path class="axis" d="M${scale.left} ${placed(bottom)}H${scale.right}"/>
${scale.ticks.map(({ time, label }) => markup`<text class="small muted" text-anchor="middle" x="${placed(scale.place(time))}" y="${placed(bottom + 14)}">${label}</text>`)}
<text class="small muted" text-anchor="middle" x="${placed((scale.left + scale.right) / 2)}" y="${placed(bottom + 30)}">${meaning}</text>`;
}
