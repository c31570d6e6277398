import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleDrill } from '../../../test/support/example-drill.ts';
import { historyFormat, type DrillRecord, type Lane, type Request } from '../history/record.ts';
import { readRunHistory } from './run-history.ts';
import { runStory } from './run-story.ts';

const lane: Lane = { name: 'write, new connections, VIP', workload: 'write', connection: 'new', door: 'VIP', rate: 10 };
const began: DrillRecord = { kind: 'began', format: historyFormat, epoch: 0, lanes: [lane] };

function request(due: number, more: Partial<Request> = {}): Request {
  return { kind: 'request', lane: lane.name, operation: 'create', object: `o-${due}`, due, sent: due, ended: due + 5, outcome: 'acknowledged', ...more };
}

describe('a history as a timeline shows it', () => {
  it('counts seconds from when the fault is in, else from when it begins, else from the start', () => {
    const fault = (what: 'fault begins' | 'fault is in', at: number): DrillRecord => ({ kind: 'mark', what, at, about: 'N1' });
    const all = [began, request(1000), fault('fault begins', 1400), fault('fault is in', 1500)];
    assert.deepEqual([readRunHistory(all)!.origin, readRunHistory(all)!.from], ['fault is in', -500]);
    assert.deepEqual([readRunHistory(all.slice(0, 3))!.origin, readRunHistory(all.slice(0, 3))!.from], ['fault begins', -400]);
    assert.deepEqual([readRunHistory(all.slice(0, 2))!.origin, readRunHistory(all.slice(0, 2))!.from], ['start of the run', 0]);
    assert.match(readRunHistory(all.slice(0, 2))!.problems.join(), /no mark of the fault/);
  });

  it('finds the longest time between two answers, in whatever order they were noted', () => {
    const records = [began, request(900), request(0), request(100), request(200, { outcome: 'unknown', ended: 5200 }), request(1000)];
    const [track] = readRunHistory(records)!.lanes;
    assert.deepEqual(track!.gap, { from: 105, to: 905, open: false, isLong: true });
    assert.deepEqual(track!.unknown, [200]);
  });

  it('tells a lane that never came back', () => {
    const records = [began, request(0), request(100), request(200, { outcome: 'unknown' }), request(2000, { outcome: 'refused' })];
    assert.deepEqual(readRunHistory(records)!.lanes[0]!.gap, { from: 105, to: 2000, open: true, isLong: true });
  });

  it('does not make a gap of the usual time between two answers', () => {
    assert.equal(readRunHistory([began, ...[0, 100, 200, 310, 400].map((due) => request(due))])!.lanes[0]!.gap!.isLong, false);
  });

  it('takes a conflict in a lane of registers for an answer, not for a failure', () => {
    const register: Lane = { ...lane, name: 'register', workload: 'register' };
    const records = [{ ...began, lanes: [register] }, request(0, { lane: 'register' }), request(50, { lane: 'register', outcome: 'refused', status: 409 }), request(60, { lane: 'register', outcome: 'refused', status: 429 })];
    assert.deepEqual(readRunHistory(records)!.lanes[0]!.refused.length, 1);
  });

  it('shows a watch by its events and cuts', () => {
    const event = { kind: 'watched', lane: 'watch', type: 'ADDED', revision: 1, from: 0 } as const;
    const ended = { kind: 'watch ended', lane: 'watch', from: 0 } as const;
    const records: DrillRecord[] = [{ ...began, lanes: [{ ...lane, name: 'watch', workload: 'watch' }] }, { ...event, at: 10 }, { ...event, at: 30 }, { ...event, at: 20, type: 'BOOKMARK' }, { ...ended, at: 40, why: 'cut' }, { ...ended, at: 50, why: 'asked' }];
    const [track] = readRunHistory(records)!.lanes;
    assert.deepEqual([track!.answers.length, track!.cuts.length], [2, 1]);
  });

  it('leaves out records whose times are no numbers, and says so', () => {
    const history = readRunHistory([began, request(0), request(Number.NaN)])!;
    assert.equal(history.lanes[0]!.answers.length, 1);
    assert.match(history.problems.join(), /1 of its records have times that are no numbers/);
  });

  it('ends with what the prober saw, not with what was looked at afterwards', () => {
    const late: DrillRecord[] = [{ kind: 'look', about: 'plan', place: 'the cluster', at: 9000, through: '', found: [] }, { kind: 'hash', host: 'cp1', at: 9000 }, { kind: 'ended', at: 9000, lines: 5 }];
    assert.equal(readRunHistory([began, request(0), request(1000), ...late])!.to, 1005);
  });

  it('has nothing to show of a history without times', () => {
    assert.equal(readRunHistory([]), undefined);
    assert.equal(readRunHistory([began]), undefined);
  });

  it('tells in words where the VIP went, who led etcd and which servers were counted as down', () => {
    const story = runStory(readRunHistory(exampleDrill({ seed: 1 }).records)!).join('\n');
    assert.match(story, /The VIP was on cp1 until −0\.02 s, then cp2 from 0\.30 s \(0\.32 s after it was last seen on cp1\)/);
    assert.match(story, /etcd was led by cp1, term 4 until −0\.20 s, then cp3, term 5 from 1\.21 s/);
    assert.match(story, /API server of cp1 as down on cp2 from 1\.00 s, on cp3 from 1\.01 s and on cp1 from 26\.0 s/);
  });

  it('tells in words that two hosts had the VIP', () => {
    const both = (host: string, at: number): DrillRecord => ({ kind: 'sample', host, at, holdsVip: true });
    assert.match(runStory(readRunHistory([began, both('cp1', 0), both('cp1', 100), both('cp2', 50), both('cp2', 150)])!).join(' '), /Two hosts had the VIP at the same time for 0\.05 s/);
  });

  it('tells in words how long the VIP was silent, and that two hosts answered for it', () => {
    const arp = (at: number, by: readonly string[]): DrillRecord => ({ kind: 'asked', how: 'ARP', at, until: at + 500, count: 6, answered: by.length > 0, by });
    const ping = (at: number, until: number, answered: boolean): DrillRecord => ({ kind: 'asked', how: 'ping', at, until, count: 9, answered });
    const mark: DrillRecord = { kind: 'mark', what: 'fault is in', at: 1000, about: 'N1' };
    const story = runStory(readRunHistory([began, mark, request(0), ping(0, 1090, true), ping(1100, 1520, false), ping(1530, 1540, true), ping(1550, 1560, false), arp(0, ['cp1']), arp(1500, ['cp1', 'cp2'])])!).join(' ');
    assert.match(story, /Pings of the VIP had no answer for 0\.42 s from 0\.10 s\. cp1 and cp2 answered for the VIP at the same time\./);
  });
});
