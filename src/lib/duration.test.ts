import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { duration } from './duration.ts';

describe('a duration', () => {
  for (const [text, ms] of [['90s', 90_000], ['10m', 600_000], ['12h', 43_200_000], ['7d', 604_800_000], ['2w', 1_209_600_000], ['99999h', 359_996_400_000]] as const) it(`${text} is ${ms} ms`, () => assert.equal(duration(text), ms));
  for (const text of ['', '7', 'd', '0d', '07d', '-1d', '1.5h', '7y', '7D', ' 7d', '7d\n', '100000h', '1e3h']) it(`is not ${JSON.stringify(text)}`, () => assert.equal(duration(text), undefined));
});
