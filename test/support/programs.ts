import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { ProgressEvent } from '../../src/lib/progress.ts';
import { openCache } from '../../src/programs/cache.ts';
import { programsFolder } from '../../src/programs/fetch-programs.ts';
import type { Program, ProgramName } from '../../src/programs/program.ts';
import type { SourceContext } from '../../src/programs/source.ts';

/** Waits a twentieth of what it is asked to, so that pauses between attempts take no time. */
export const quickClock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 20, signal) };

/** A folder that is gone after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-programs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a source works with, in an empty cache folder; `events` collects the progress. */
export function sourceContext(t: TestContext, cacheFolder = temporaryFolder(t)): SourceContext & { readonly events: ProgressEvent[] } {
  const events: ProgressEvent[] = [];
  return { cache: openCache(programsFolder(cacheFolder), quickClock), cacheFolder, clock: quickClock, progress: (event) => events.push(event), events };
}

export function kubernetesProgram(name: ProgramName): Program {
  return { name, version: '1.37.2', platform: 'linux-amd64' };
}

export function etcdProgram(name: ProgramName): Program {
  return { name, version: '3.7.3', platform: 'linux-amd64' };
}
