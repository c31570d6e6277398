import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clusterOf } from '../../test/support/seen-cluster.ts';
import { finishPending } from './open-stage.ts';
import type { Pending, Stage } from './stage.ts';

for (const [title, pending, ran, refused] of [
  ['is undone by its scripts', { fault: 'H2', scripts: { cp2: 'go on' } }, ['cp2: go on'], undefined],
  ['whose undo is an apply is refused once, and says so', { fault: 'E12', scripts: {}, byApply: true }, [], /killed in the middle of E12, which is undone by apply/],
  ['that needs both has its scripts run first', { fault: 'O2', scripts: { cp1: 'hear again' }, byApply: true }, ['cp1: hear again'], /O2/],
] as const satisfies readonly (readonly [string, Pending, readonly string[], RegExp | undefined])[]) {
  test(`a fault of a drill that was killed ${title}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubekeep-test-'));
    try {
      const [scripts, pendingFile, cluster] = [[] as string[], join(folder, 'pending.json'), clusterOf('T3')];
      await writeFile(pendingFile, JSON.stringify(pending));
      const hosts = new Map(cluster.hosts.map(({ name }) => [name, { run: async (script: string) => (scripts.push(`${name}: ${script}`), { host: name, exitCode: 0, stdout: '', stderr: '' }) }]));
      const stage = { pendingFile, operation: { cluster, hosts, progress: () => {} } } as unknown as Stage;
      if (refused) await assert.rejects(finishPending(stage), (error: Error & { readonly code: string; readonly hint: string }) => error.code === 'drill-refused' && refused.test(error.message) && error.hint.includes('kubekeep apply'));
      else await finishPending(stage);
      assert.deepEqual(scripts.filter((script) => !script.includes('systemctl stop')), ran);
      assert.ok(!existsSync(pendingFile));
      await finishPending(stage);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
