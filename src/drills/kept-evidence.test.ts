import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { soundEvidence } from '../../test/support/planted-breaches.ts';
import { judge } from './guarantees/judge.ts';
import { historyName, keepEnd, readEvidence } from './kept-evidence.ts';

test('a run that was kept is judged as it was', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubekeep-evidence-'));
  context.after(() => rm(folder, { recursive: true }));
  const { records, damage: _, ...end } = soundEvidence;
  const lines = [...records, { kind: 'ended', at: 4000, lines: records.length }];
  await writeFile(join(folder, historyName), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await keepEnd(folder, end);
  assert.deepEqual(judge(await readEvidence(folder)), judge(soundEvidence));
  await keepEnd(folder, { finally: undefined });
  assert.equal(judge(await readEvidence(folder))[0]!.state, 'unknown');
});
