import type { Answered } from './balance-client.ts';

/** A time in which something was done to a server, ms since the epoch. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a busy neighbour on one server cost, and how traffic moved. */
export interface Moved {
  /** ms, of requests that began while it was busy. */
  readonly p99: number;
  /** The same from 5 s on. */
  readonly settledP99: number;
  /** Of requests that began from 5 s on, 0 to 1. */
  readonly share: number;
  /** Seconds until less than a fifth of a second's requests went there; undefined where that never was so. */
  readonly away: number | undefined;
  /** Seconds after its end until two seconds' requests were shared 45–55 %. */
  readonly back: number | undefined;
}

export function moved(answered: readonly Answered[], server: string, busy: Span): Moved {
  const during = answered.filter(({ begin }) => begin >= busy.from && begin < busy.to);
  const settled = during.filter(({ begin }) => begin >= busy.from + 5000);
  const shareIn = (from: number, to: number) => share(answered.filter(({ begin }) => begin >= from && begin < to), server);
  const first = (from: number, to: number, isSo: (at: number) => boolean) => {
    for (let at = from; at <= to; at += 200) if (isSo(at)) return (at - from) / 1000;
    return undefined;
  };
  const isEven = (part: number) => part >= 0.45 && part <= 0.55;
  return {
    p99: percentile(during.map(latency), 0.99),
    settledP99: percentile(settled.map(latency), 0.99),
    share: share(settled, server),
    away: first(busy.from, busy.to, (at) => shareIn(at - 1000, at) < 0.2),
    back: first(busy.to, Math.max(...answered.map(({ begin }) => begin)), (at) => isEven(shareIn(at - 2000, at)) && at >= busy.to + 2000),
  };
}

/** Failed requests and the longest time without a good answer until nobody asked any more, ms. What hangs until then is in no log. */
export function interrupted(answered: readonly Answered[], until: number): { readonly failed: number; readonly gap: number } {
  const good = answered.filter(({ status, end }) => status >= 200 && status < 400 && end <= until).map(({ end }) => end).toSorted((a, b) => a - b);
  return { failed: answered.filter(({ status }) => status < 200 || status >= 400).length, gap: Math.max(...[...good, until].map((end, position) => end - (good[position - 1] ?? end))) };
}

/** Requests, share of a server and latencies of each second. */
export function bySecond(answered: readonly Answered[], server: string, from: number): readonly { readonly second: number; readonly share: number; readonly p50: number; readonly p99: number }[] {
  return [...Map.groupBy(answered, ({ begin }) => Math.floor((begin - from) / 1000))].toSorted(([a], [b]) => a - b).map(([second, some]) => ({ second, share: share(some, server), p50: percentile(some.map(latency), 0.5), p99: percentile(some.map(latency), 0.99) }));
}

function latency({ begin, end }: Answered): number {
  return end - begin;
}

function share(some: readonly Answered[], server: string): number {
  return some.length === 0 ? Number.NaN : some.filter((one) => one.server === server).length / some.length;
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
}
