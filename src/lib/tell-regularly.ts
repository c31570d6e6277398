import type { Clock } from './clock.ts';

/** Calls `tell` every five seconds until the signal fires: for work that has nothing else to say. */
export async function tellRegularly(clock: Pick<Clock, 'sleep'>, signal: AbortSignal, tell: () => void): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(5000, signal);
      tell();
    }
  } catch {
    // The work has ended.
  }
}
