import type { DrillRecord, Request } from '../../src/drills/history/record.ts';
import type { Allowance, Evidence, TokenCheck } from '../../src/drills/history/verdict.ts';
import { arp, began, evidence, hashed, holding, look, mark, request, unanswered, watched, watchLane, writeLane } from './drill-evidence.ts';

/** Four seconds of creations, each read after it, with a watch, a VIP, a fault that is over, and what was looked for after it: as it should be. */
const writes = Array.from({ length: 40 }, (_, turn) => request('create', turn * 100, { lane: 'write', object: `o${turn}`, value: `v${turn}`, revision: 10 + turn }));
const reads = writes.map((one): Request => ({ ...one, operation: 'get', lane: 'read', due: one.due + 50, sent: one.sent + 50, ended: one.ended + 50 }));
const events = writes.map(({ object, value, revision, ended }) => watched('ADDED', revision!, ended + 5, { object, value: value! }));
const hashes = [hashed('cp1', 4100), hashed('cp2', 4100)] as const;
const looks = [look('plan', 'the cluster'), look('leftovers', 'cp1'), look('leftovers', 'cp2'), look('secrets', 'cp1'), look('secrets', 'cp2')] as const;
const records: readonly DrillRecord[] = [
  began([writeLane, watchLane]), ...writes, ...reads, ...events, ...holding('cp1', 0, 4000, true), ...holding('cp2', 7, 4000, false), arp(500, 3500, ['cp1']),
  mark('fault begins', 600), mark('healthy', 2500), ...hashes, ...looks,
];
const kept = Object.fromEntries(writes.map(({ object, value, revision }) => [object, [revision!, value!] as const]));
const tokens = ['cp1', 'cp2'].flatMap((issuer) => ['cp1', 'cp2'].map((verifier): TokenCheck => ({ issuer, verifier, accepted: true })));
const allowed: Allowance = { limit: { new: 1, reused: 1 }, vipStays: true };

/** A run in which every promise was held. */
export const soundEvidence: Evidence = { ...evidence(records, kept), tokens, allowed };

export interface PlantedBreach {
  readonly guarantee: string;
  readonly title: string;
  readonly evidence: Evidence;
}

const instead = (old: DrillRecord, changed: Partial<DrillRecord>) => records.map((one) => (one === old ? ({ ...one, ...changed } as DrillRecord) : one));
const planted = (guarantee: string, title: string, changed: Partial<Evidence>): PlantedBreach => ({ guarantee, title, evidence: { ...soundEvidence, ...changed } });
const { o20: _, ...withoutOne } = kept;
const late = { late: [1, 'late'] } as const;

/** Each is caught by one checker alone. */
export const plantedBreaches: readonly PlantedBreach[] = [
  planted('C-ack', 'a lost write', { finally: evidence([], withoutOne).finally }),
  planted('C-lin', 'a read that does not find what was written', { records: instead(reads[20]!, { status: 404, value: undefined!, revision: undefined! }) }),
  planted('C-rev', 'a new object with an older revision than what is there', {
    records: [...records, request('create', 3800, { lane: 'write', object: 'late', value: 'late', revision: 1 })],
    finally: evidence([], { ...kept, ...late }).finally,
  }),
  planted('C-watch', 'an event that never came', { records: records.filter((one) => one !== events[20]) }),
  planted('C-avail', 'a lane that never had an answer', { records: [...records.slice(1), began([writeLane, watchLane, { ...writeLane, name: 'dead', door: 'API server cp1' }])] }),
  planted('C-gap', 'requests that fail again and again, each between two that do not', { records: [...records, ...[500, 1000, 1500].map((sent) => unanswered('get', sent + 20, { lane: 'write', object: 'none' }))] }),
  planted('C-vip', 'two holders', { records: [...records, ...holding('cp3', 1000, 1200, true), look('leftovers', 'cp3')] }),
  planted('C-vip', 'two hosts that answer for the VIP', { records: [...records, arp(1000, 1000, ['cp1', 'cp2'])] }),
  planted('C-calm', 'a watch that is cut before anything fails', { records: [...records, { kind: 'watch ended', lane: 'quiet watch', at: 300, from: 1, why: 'cut' }] }),
  planted('C-token', 'a token that another API server refuses', { tokens: [...tokens, { issuer: 'cp3', verifier: 'cp1', accepted: false }] }),
  planted('C-hash', 'a member with other keys', { records: instead(hashes[1], { hash: 8 }) }),
  planted('C-converge', 'something that plan would do', { records: instead(looks[0], { found: ['cp1/etcd: restart'] }) }),
  planted('C-converge', 'a unit of the drill that is left', { records: instead(looks[2], { found: ['kubekeep-drill-undo.timer'] }) }),
  planted('C-secret', 'a key in a journal', { records: instead(looks[3], { found: ['the journal: the CA kubernetes'] }) }),
  planted('C-truth', 'a request that fails after it was called healthy', { records: [...records, unanswered('create', 3000, { lane: 'write', object: 'o30b', value: 'v30b' })] }),
  planted('C-truth', 'a VIP that nobody has after it was called healthy', { records: records.map((one) => (one.kind === 'sample' && one.at > 3000 && one.at < 3200 ? { ...one, holdsVip: false } : one)) }),
];
