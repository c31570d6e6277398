import { markup, type Markup } from './markup.ts';
import { cutText } from './picture-text.ts';
import type { BalancerTrack, RunHistory } from './run-history.ts';
import { overlapsOf, type Span } from './spans.ts';
import { placed, type TimeScale } from './time-scale.ts';
import type { TimelineRow } from './timeline-row.ts';
import { listText, secondsText } from './figure-text.ts';

/** Colours for hosts; their names are written beside them, so that more hosts may share one. */
const hostColours = 6;

/** Which host has a thing, over time: nothing is drawn where no host was seen with it, and a warning where two were. */
export function spanRow(label: string, spans: readonly Span[], { hosts }: RunHistory, scale: TimeScale): TimelineRow {
  return {
    height: 18,
    draw: (top) => markup`<g><text class="label" x="0" y="${placed(top + 13)}">${label}</text><rect class="nobody" x="${scale.left}" y="${placed(top)}" width="${scale.right - scale.left}" height="18"/>
${spans.map((span) => hostSegment(span, hosts.indexOf(span.host) % hostColours, top, scale))}
${overlapSigns(spans, top, scale)}</g>`,
  };
}

/** One frame for overlaps that would touch. */
function overlapSigns(spans: readonly Span[], top: number, scale: TimeScale): Markup[] {
  const frames: { from: number; to: number; hosts: string[] }[] = [];
  const patience = ((scale.to - scale.from) / (scale.right - scale.left)) * 4;
  for (const { from, to, hosts } of overlapsOf(spans).filter((one) => one.to >= scale.from && one.from <= scale.to).sort((a, b) => a.from - b.from)) {
    const last = frames.at(-1);
    if (last && from - last.to <= patience) frames[frames.length - 1] = { from: last.from, to: Math.max(last.to, to), hosts: [...new Set([...last.hosts, ...hosts])] };
    else frames.push({ from, to, hosts: [...hosts] });
  }
  return frames.map(({ from, to, hosts }) => {
    const width = placed(Math.max(2, scale.place(to) - scale.place(from)) + 2);
    return markup`<g><title>${listText(hosts)} at the same time, ${secondsText(to - from)}</title><rect class="two" x="${placed(scale.place(from) - 1)}" y="${placed(top - 2)}" width="${width}" height="22"/></g>`;
  });
}

/** Each balancer's servers: a thin line while one is up, a block with the state's name while it is not. */
export function balancerRows(balancers: readonly BalancerTrack[], scale: TimeScale): TimelineRow[] {
  return balancers.flatMap(({ host, servers }) =>
    servers.map(({ server, spans }): TimelineRow => ({
      height: 12,
      draw: (top) => markup`<g><text class="small" x="0" y="${placed(top + 10)}">${cutText(`HAProxy ${host} \u2192 ${server}`, 164, 10.5)}</text>${spans.map((span) => serverSegment(server, span, top, scale))}</g>`,
    })),
  );
}

function hostSegment({ from, to, value }: Span, colour: number, top: number, scale: TimeScale): Markup | undefined {
  if (to < scale.from || from > scale.to) return undefined;
  const [start, end] = [scale.place(from), scale.place(to)];
  return markup`<g><title>${value}, from ${secondsText(from)} to ${secondsText(to)}</title><rect class="host host-${colour}" x="${placed(start)}" y="${placed(top)}" width="${placed(Math.max(1, end - start))}" height="18"/><text class="small" x="${placed(start + 5)}" y="${placed(top + 13)}">${cutText(value, end - start - 8, 11)}</text></g>`;
}

function serverSegment(server: string, { from, to, value }: Span, top: number, scale: TimeScale): Markup | undefined {
  if (to < scale.from || from > scale.to) return undefined;
  const [start, end] = [scale.place(from), scale.place(to)];
  const title = markup`<title>${server} ${value}, from ${secondsText(from)} to ${secondsText(to)}</title>`;
  const width = placed(Math.max(1, end - start));
  if (value === 'UP' || value === 'no check') return markup`<rect class="up" x="${placed(start)}" y="${placed(top + 4)}" width="${width}" height="4">${title}</rect>`;
  const kind = value.startsWith('DOWN') ? 'down' : value.startsWith('DRAIN') || value.startsWith('MAINT') || value === 'NOLB' ? 'drain' : 'change';
  return markup`<g>${title}<rect class="${kind}" x="${placed(start)}" y="${placed(top)}" width="${width}" height="12"/><text class="tiny halo" x="${placed(start + 4)}" y="${placed(top + 9.5)}">${cutText(value, end - start - 5, 9.5)}</text></g>`;
}
