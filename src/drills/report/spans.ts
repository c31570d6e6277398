import type { Sample } from '../history/record.ts';

/** A time over which one thing was seen of a host: all samples from `from` to `to` say the same. */
export interface Span {
  readonly host: string;
  readonly from: number;
  readonly to: number;
  readonly value: string;
}

/**
 * What was seen of each host over time. A span reaches from its first sample to its last, so that two hosts which both have the VIP are two
 * that were really seen with it; `bridged` spans reach to the next sample. One ends where the host was not seen for a while: it may be off.
 */
export function spansOf(samples: readonly Sample[], valueOf: (sample: Sample) => string | undefined, { bridged = false }: { readonly bridged?: boolean } = {}): Span[] {
  const byHost = Map.groupBy(samples.toSorted((a, b) => a.at - b.at), ({ host }) => host);
  return [...byHost].flatMap(([host, ofHost]) => {
    const patience = patienceOf(ofHost.map(({ at }) => at));
    const spans: { host: string; from: number; to: number; value: string }[] = [];
    let open: (typeof spans)[number] | undefined;
    for (const sample of ofHost) {
      const value = valueOf(sample);
      const isLate = open && sample.at - open.to > patience;
      if (open && !isLate && (bridged || open.value === value)) open.to = sample.at;
      if (open && (isLate || open.value !== value)) open = undefined;
      if (value === undefined || open) continue;
      open = { host, from: sample.at, to: sample.at, value };
      spans.push(open);
    }
    return spans;
  }).sort((a, b) => a.from - b.from);
}

/** The parts of a timeline in which two or more hosts have it. */
export function overlapsOf(spans: readonly Span[]): { readonly from: number; readonly to: number; readonly hosts: readonly string[] }[] {
  return spans.flatMap((one, position) =>
    spans.slice(position + 1).flatMap((other) => {
      const from = Math.max(one.from, other.from);
      const to = Math.min(one.to, other.to);
      return other.host !== one.host && from <= to ? [{ from, to, hosts: [one.host, other.host] }] : [];
    }),
  );
}

/** How long a host may be silent and still count as seen: five of its usual intervals, at least 250 ms. */
function patienceOf(times: readonly number[]): number {
  const intervals = times.slice(1).map((time, position) => time - times[position]!).sort((a, b) => a - b);
  return Math.max(250, 5 * (intervals[Math.floor(intervals.length / 2)] ?? 0));
}
