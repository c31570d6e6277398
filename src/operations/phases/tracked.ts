import { toKubekeepError } from '../../lib/errors.ts';
import type { Step } from '../plan/step.ts';
import type { Work } from './work.ts';

/** Tells and notes the beginning and the end of a step. Ctrl-C takes effect between steps. */
export async function tracked(step: Pick<Step, 'id' | 'host' | 'title' | 'reasons'>, { progress, journal, clock, signal }: Pick<Work, 'progress' | 'journal' | 'clock' | 'signal'>, run: () => Promise<unknown>): Promise<void> {
  signal.throwIfAborted();
  const about = { host: step.host, step: step.id, title: step.title };
  progress({ type: 'started', ...about, detail: step.reasons.length > 2 ? `${step.reasons[0]} and ${step.reasons.length - 1} more` : step.reasons.join('; ') });
  const start = clock.monotonic();
  try {
    await run();
  } catch (error) {
    progress({ type: 'failed', ...about });
    await journal({ event: 'step failed', step: step.id, detail: toKubekeepError(error).message });
    throw error;
  }
  progress({ type: 'done', ...about, detail: `${((clock.monotonic() - start) / 1000).toFixed(1)} s` });
  await journal({ event: 'step done', step: step.id });
}
