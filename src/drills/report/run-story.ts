import { listText, secondsText } from './figure-text.ts';
import type { RunHistory } from './run-history.ts';
import { overlapsOf, type Span } from './spans.ts';

/** What a timeline shows, in words: for those who cannot see it, and beside it for everybody. */
export function runStory(history: RunHistory): string[] {
  return [...markStory(history), ...holderStory('The VIP', 'was on', history.vip, history.from), ...holderStory('etcd', 'was led by', history.leader, history.from), ...overlapStory(history), ...answerStory(history), ...serverStory(history), ...noteStory(history)];
}

function markStory({ marks, origin, faults }: RunHistory): string[] {
  const parts = marks.filter(({ what }) => what !== 'note').map(({ what, at, about }) => `${what}${faults.length > 1 ? ` (${about})` : ''} at ${timeText(at)}`);
  return parts.length === 0 ? [] : [`Marks: ${parts.join(', ')}. Second 0 is when the ${origin === 'start of the run' ? 'run started' : origin}.`];
}

function holderStory(thing: string, verb: string, spans: readonly Span[], from: number): string[] {
  const stays = joined(spans);
  if (stays.length === 0) return [];
  const [first, ...later] = stays;
  if (later.length === 0) return [`${thing} ${verb} ${first!.value} ${first!.from - from < 1000 ? 'all the time that it was seen' : `from ${timeText(first!.from)}`}.`];
  const moves = later.map(({ value, from: at }, position) => {
    const without = at - stays[position]!.to;
    return `${value} from ${timeText(at)}${without > 0 ? ` (${secondsText(without)} after it was last seen on ${stays[position]!.host})` : ''}`;
  });
  const shown = moves.length > 8 ? [...moves.slice(0, 7), `${moves.length - 7} more moves`] : moves;
  return [`${thing} ${verb} ${first!.value} until ${timeText(first!.to)}, then ${listText(shown)}.`];
}

function overlapStory({ vip }: RunHistory): string[] {
  const overlaps = overlapsOf(vip);
  if (overlaps.length === 0) return [];
  const total = overlaps.reduce((sum, { from, to }) => sum + to - from, 0);
  return [`Two hosts had the VIP at the same time for ${total < 5 ? 'a moment' : secondsText(total)}.`];
}

/** What was seen of the VIP from outside, below the API. */
function answerStory({ answering, silence }: RunHistory): string[] {
  const both = overlapsOf(answering);
  return [
    ...(silence ? [`Pings of the VIP had no answer for ${secondsText(silence.to - silence.from)} from ${timeText(silence.from)}.`] : []),
    ...(both.length > 0 ? [`${listText([...new Set(both.flatMap(({ hosts }) => hosts))])} answered for the VIP at the same time.`] : []),
  ];
}

/** When each balancer first counted a server as down. */
function serverStory({ balancers }: RunHistory): string[] {
  const downs = balancers.flatMap(({ host, servers }) =>
    servers.flatMap(({ server, spans }) => {
      const down = spans.find(({ value }) => value.startsWith('DOWN'));
      return down ? [{ server, from: down.from, text: `on ${host} from ${timeText(down.from)}` }] : [];
    }),
  );
  return [...Map.groupBy(downs.sort((a, b) => a.from - b.from), ({ server }) => server)].map(([server, ofServer]) => `HAProxy counted the API server of ${server} as down ${listText(ofServer.map(({ text }) => text))}.`);
}

function noteStory({ marks }: RunHistory): string[] {
  return marks.filter(({ what }) => what === 'note').map(({ at, about }) => `${timeText(at)}: ${about}`);
}

/** Spans one after the other that say the same, as one. */
function joined(spans: readonly Span[]): Span[] {
  const stays: Span[] = [];
  for (const span of spans) {
    const last = stays.at(-1);
    if (last?.value === span.value) stays[stays.length - 1] = { ...last, to: Math.max(last.to, span.to) };
    else stays.push(span);
  }
  return stays;
}

function timeText(at: number): string {
  const text = secondsText(at);
  return /^-?0\.00 s$/.test(text) ? '0 s' : text.replace('-', '\u2212');
}
