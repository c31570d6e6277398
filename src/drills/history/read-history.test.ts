import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseHistory } from './read-history.ts';
import type { Asked, DrillRecord, Hashed, Look, Mark, Request, Sample, WatchEnded, Watched } from './record.ts';

const began: DrillRecord = { kind: 'began', format: 1, epoch: 1_790_000_000_000, lanes: [{ name: 'write', workload: 'write', connection: 'reused, short', door: 'VIP', rate: 12.5 }] };
// Every field of every kind: a field that is new in record.ts and not here does not compile.
const request: Required<Request> = { kind: 'request', lane: 'write', operation: 'update', object: 'r', due: 1.5, sent: 2, ended: 3.25, outcome: 'acknowledged', status: 200, error: '', revision: 12, value: 'a\nb', expected: 11 };
const watched: Required<Watched> = { kind: 'watched', lane: 'watch', type: 'MODIFIED', object: 'r', revision: 12, value: 'a', at: 4, from: 11 };
const ended: Required<WatchEnded> = { kind: 'watch ended', lane: 'watch', at: 5, from: 11, why: 'cut' };
const sample: Required<Sample> = { kind: 'sample', host: 'cp1', at: 6, holdsVip: true, leads: false, term: 3, servers: ['cp1 UP'] };
const mark: Required<Mark> = { kind: 'mark', what: 'fault is in', at: 7, about: 'N1' };
const asked: Required<Asked> = { kind: 'asked', how: 'ARP', at: 7, until: 8, count: 3, answered: true, by: ['cp1'] };
const hashed: Required<Hashed> = { kind: 'hash', host: 'cp1', at: 8, hash: 4_000_000_000, revision: 12, compactRevision: -1, error: '' };
const look: Required<Look> = { kind: 'look', about: 'secrets', place: 'cp1', at: 8, through: '3 files', found: ['a'], error: '' };
const bare: DrillRecord[] = [
  { kind: 'request', lane: 'write', operation: 'get', object: 'r', due: -1, sent: 2, ended: 2, outcome: 'unknown' },
  { kind: 'watched', lane: 'watch', type: 'BOOKMARK', revision: 12, at: 4, from: 11 },
  { kind: 'sample', host: 'cp1', at: 6 },
  { kind: 'asked', how: 'ping', at: 7, until: 7, count: 1, answered: false },
  { kind: 'hash', host: 'cp1', at: 8 },
  { kind: 'look', about: 'plan', place: 'the cluster', at: 8, through: '', found: [] },
];
const before: DrillRecord[] = [mark, began, request, watched, ended, sample, asked, hashed, look, ...bare];
const end = (count: number): DrillRecord => ({ kind: 'ended', at: 9, lines: count });
const all: DrillRecord[] = [...before, end(before.length)];
const lines = all.map((record) => JSON.stringify(record));
const text = (changed: readonly string[]) => changed.map((line) => `${line}\n`).join('');
const changed = (record: object, change: object) => JSON.stringify({ ...record, ...change });

describe('a history', () => {
  test('comes back as it was written, in its order', () => assert.deepEqual(parseHistory(text(lines)), { records: all, damage: [] }));

  test('whose last newline alone is missing is whole', () => assert.deepEqual(parseHistory(text(lines).trimEnd()).damage, []));

  test('that was cut anywhere in its last line has that line as damage and the others as records', () => {
    const whole = text(lines.slice(0, 3));
    for (let length = whole.length - lines[2]!.length; length < whole.length - 1; length++) {
      assert.deepEqual(parseHistory(whole.slice(0, length)), { records: all.slice(0, 2), damage: ['line 3: not JSON, or cut', 'line 4: the record of the end is missing'] });
    }
  });

  test('that was cut between two lines has no end', () => {
    for (let count = 2; count < lines.length; count++) assert.deepEqual(parseHistory(text(lines.slice(0, count))).damage, [`line ${count + 1}: the record of the end is missing`]);
  });

  test('with a line less or more in the middle than its end counts is damaged', () => {
    assert.deepEqual(parseHistory(text(lines.toSpliced(3, 1))).damage, [`line ${lines.length - 1}: the end counts ${before.length} lines before it, there are ${before.length - 1}`]);
    assert.deepEqual(parseHistory(text(lines.toSpliced(3, 0, lines[3]!))).damage, [`line ${lines.length + 1}: the end counts ${before.length} lines before it, there are ${before.length + 1}`]);
  });

  test('that is empty has no beginning', () => assert.deepEqual(parseHistory(''), { records: [], damage: ['line 1: the record of the beginning is missing', 'line 1: the record of the end is missing'] }));

  test('without its beginning is damaged', () => assert.deepEqual(parseHistory(text([lines[0]!, JSON.stringify(end(1))])), { records: [mark, end(1)], damage: ['line 1: the record of the beginning is missing'] }));

  const damaged: readonly (readonly [line: string, damage: string])[] = [
    ['', 'empty'],
    ['{"kind":"request","lane', 'not JSON, or cut'],
    ['\0\0\0', 'not JSON, or cut'],
    ['[]', 'not a record'],
    ['null', 'not a record'],
    ['12', 'not a record'],
    ['{}', 'not a record'],
    ['{"kind":"pet"}', 'unknown kind "pet"'],
    [JSON.stringify(began), 'a second beginning'],
    [changed(began, { format: 2 }), 'field format is not as expected'],
    [changed(began, { lanes: [{ name: 'x' }] }), 'field lanes.0.workload is not as expected'],
    [changed(request, { colour: 'red' }), 'unknown field colour'],
    [changed(request, { outcome: 'perhaps' }), 'field outcome is not as expected'],
    [changed(request, { object: undefined }), 'field object is not as expected'],
    [changed(request, { sent: null }), 'field sent is not as expected'],
    [changed(request, { revision: '12' }), 'field revision is not as expected'],
    [changed(request, { revision: 1.5 }), 'field revision is not as expected'],
    [changed(request, { value: null }), 'field value is not as expected'],
    [changed(request, { ended: 1 }), 'a request that ended before it was sent'],
    [changed(watched, { type: 'LOST' }), 'field type is not as expected'],
    [changed(asked, { count: 0 }), 'field count is not as expected'],
    [changed(hashed, { hash: '12' }), 'field hash is not as expected'],
    [changed(look, { found: undefined }), 'field found is not as expected'],
    [changed(mark, { what: 'lunch' }), 'field what is not as expected'],
    [lines[2]! + lines[3]!, 'not JSON, or cut'],
  ];
  for (const [line, damage] of damaged) {
    test(`has damage: ${line.slice(0, 40)}: ${damage}`, () => {
      const position = 4;
      const longer = [...before, end(before.length + 1)];
      const read = parseHistory(text(longer.map((record) => JSON.stringify(record)).toSpliced(position, 0, line)));
      assert.deepEqual(read, { records: longer, damage: [`line ${position + 1}: ${damage}`] });
    });
  }
});
