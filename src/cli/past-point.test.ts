import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pastName, pastPoint } from './past-point.ts';

const now = Date.parse('2026-11-26T14:30:00Z');

describe('a moment of the past on a command line', () => {
  for (const [text, point] of [
    ['10m', '2026-11-26T14:20:00.000Z'],
    ['14:02Z', '2026-11-26T14:02:00.000Z'],
    ['14:02:31Z', '2026-11-26T14:02:31.000Z'],
    ['23:59Z', '2026-11-25T23:59:00.000Z'],
    ['9:05Z', '2026-11-26T09:05:00.000Z'],
    ['latest', 'latest'],
    ['revision:12', 'revision:12'],
    ['2026-11-25T14:02:00Z', '2026-11-25T14:02:00Z'],
    ['24:00', '24:00'],
    ['14:60Z', '14:60Z'],
  ] as const) {
    it(`${text} is ${point}`, () => assert.equal(pastPoint(text, now), point));
  }

  it('without Z is of the time zone here', () => {
    const time = new Date(pastPoint('14:02', now));
    assert.deepEqual([time.getHours(), time.getMinutes(), now - time.getTime() < 86_400_000], [14, 2, true]);
  });

  it('gives a context its name: as it was written, or by its time', () => {
    assert.deepEqual(['14:02', 'revision:7', '10m', 'latest'].map((text) => pastName(text, Date.parse('2026-11-26T14:20:00.123Z'))), ['14:02', 'revision:7', '2026-11-26T14:20:00Z', '2026-11-26T14:20:00Z']);
  });
});

it('a time of UTC is one also around a change to summer time', () => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Europe/Berlin';
  try {
    assert.equal(pastPoint('14:02Z', Date.parse('2026-03-29T10:00:00Z')), '2026-03-28T14:02:00.000Z');
    assert.equal(pastPoint('14:02', Date.parse('2026-03-29T10:00:00Z')), '2026-03-28T13:02:00.000Z');
  } finally {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});
