import { readEnvironment } from '../../src/cli/env.ts';
import { openOperation } from '../../src/cli/wire.ts';
import { openStage } from '../../src/drills/open-stage.ts';
import type { Stage } from '../../src/drills/stage.ts';
import { readRecords } from '../../src/lab/registry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

/** What `drill run` works with, on the cluster of a file whose hosts are a lab's machines. Ends its connections when disposed. */
export async function labStage(file: string, signal: AbortSignal = new AbortController().signal): Promise<{ readonly stage: Stage } & AsyncDisposable> {
  const environment = readEnvironment();
  const operation = await openOperation({ environment, clock: systemClock, signal, progress: () => {}, confirm: () => Promise.resolve(true) }, { file, connectTimeout: 3 });
  const stage = await openStage(operation, await readRecords(environment.runtimeFolder), seededDraw(1));
  return { stage, [Symbol.asyncDispose]: () => operation[Symbol.asyncDispose]() };
}
