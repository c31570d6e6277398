import { historyFormat, type Asked, type DrillRecord, type Hashed, type Lane, type Look, type Mark, type Request, type Sample, type Watched } from '../../src/drills/history/record.ts';
import type { Evidence } from '../../src/drills/history/verdict.ts';

export const writeLane: Lane = { name: 'write', workload: 'write', connection: 'new', door: 'VIP', rate: 10 };
export const registerLane: Lane = { name: 'register', workload: 'register', connection: 'reused', door: 'VIP', rate: 10 };
export const watchLane: Lane = { name: 'watch', workload: 'watch', connection: 'reused', door: 'VIP', rate: 0 };

export function began(lanes: readonly Lane[]): DrillRecord {
  return { kind: 'began', format: historyFormat, epoch: 1_790_000_000_000, lanes };
}

/** An acknowledged request about object "r" that took 10 ms, except where `changes` say something else. */
export function request(operation: Request['operation'], sent: number, changes: Partial<Request> = {}): Request {
  return { kind: 'request', lane: 'register', operation, object: 'r', due: sent, sent, ended: sent + 10, outcome: 'acknowledged', status: 200, ...changes };
}

/** Without its status: nobody answered. */
export function unanswered(operation: Request['operation'], sent: number, changes: Partial<Request> = {}): Request {
  const { status: _, ...rest } = request(operation, sent, { outcome: 'unknown', error: 'time-out', ...changes });
  return rest;
}

export function refused(operation: Request['operation'], sent: number, changes: Partial<Request> = {}): Request {
  return request(operation, sent, { outcome: 'refused', status: 409, ...changes });
}

/** An event of object "r". */
export function watched(type: Watched['type'], revision: number, at: number, changes: Partial<Watched> = {}): Watched {
  return { kind: 'watched', lane: 'watch', type, revision, at, from: 1, ...(type !== 'BOOKMARK' && { object: 'r' }), ...changes };
}

export function mark(what: Mark['what'], at: number): Mark {
  return { kind: 'mark', what, at, about: 'N1' };
}

/** Samples of one host at an interval: of whether it holds the VIP. */
export function holding(host: string, from: number, to: number, holdsVip: boolean, interval = 20): Sample[] {
  return Array.from({ length: Math.floor((to - from) / interval) + 1 }, (_, turn) => ({ kind: 'sample', host, at: from + turn * interval, holdsVip }));
}

/** Questions 100 ms apart who has the VIP. */
export function arp(at: number, until: number, by: readonly string[]): Asked {
  return { kind: 'asked', how: 'ARP', at, until, count: (until - at) / 100 + 1, answered: by.length > 0, by };
}

/** A member that has the same keys as the others. */
export function hashed(host: string, at: number, changes: Partial<Hashed> = {}): Hashed {
  return { kind: 'hash', host, at, hash: 7, revision: 100, compactRevision: 20, ...changes };
}

/** A look that found nothing. */
export function look(about: Look['about'], place: string, changes: Partial<Look> = {}): Look {
  return { kind: 'look', about, place, at: 4200, through: 'all of it', found: [], ...changes };
}

export function evidence(records: readonly DrillRecord[], kept: Readonly<Record<string, readonly [revision: number, value: string]>> | undefined = {}, damage: readonly string[] = []): Evidence {
  return { records, finally: kept && new Map(Object.entries(kept).map(([name, [revision, value]]) => [name, { revision, value }])), damage };
}
