import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Sample } from '../history/record.ts';
import { overlapsOf, spansOf } from './spans.ts';

function samples(host: string, text: string, start = 0): Sample[] {
  return text.split('').flatMap((sign, position) => (sign === '.' ? [] : [{ kind: 'sample' as const, host, at: start + position * 20, holdsVip: sign === '1' }]));
}
const holder = ({ holdsVip, host }: Sample) => (holdsVip ? host : undefined);

describe('spans of what was seen of hosts', () => {
  it('reach from the first sample to the last that say the same, whatever the order of the records', () => {
    assert.deepEqual(spansOf(samples('cp1', '0111100110').toReversed(), holder), [{ host: 'cp1', from: 20, to: 80, value: 'cp1' }, { host: 'cp1', from: 140, to: 160, value: 'cp1' }]);
  });

  it('reach to the next sample where they are bridged', () => {
    assert.deepEqual(spansOf(samples('cp1', '110'), holder, { bridged: true }), [{ host: 'cp1', from: 0, to: 40, value: 'cp1' }]);
  });

  it('end where a host was not seen for a while: it may be off', () => {
    assert.deepEqual(spansOf(samples('cp1', `111${'.'.repeat(40)}111`), holder).map(({ from, to }) => [from, to]), [[0, 40], [860, 900]]);
  });

  it('overlap only where two hosts were both seen with the same thing', () => {
    assert.deepEqual(overlapsOf(spansOf([...samples('cp1', '11100'), ...samples('cp2', '0011', 10)], holder)), []);
    assert.deepEqual(overlapsOf(spansOf([...samples('cp1', '11110'), ...samples('cp2', '0111', 10)], holder)), [{ from: 30, to: 60, hosts: ['cp1', 'cp2'] }]);
  });
});
