import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { refuseWithoutRoom } from './refuse-without-room.ts';

test('what does not fit is refused with what is needed and what there is, and what fits is not', async () => {
  await assert.rejects(refuseWithoutRoom(tmpdir(), 5e17, 'the point'), { code: 'file-missing', message: /^\/\S+ has [\d,]+ MB free, and the point takes 500,000,000,000 MB or more$/ });
  await refuseWithoutRoom(tmpdir(), 1, 'the point');
});
