import type { Cli } from '../cli.ts';

/** ms between two looks. */
const pause = 2000;

/** Looks once, or with `watch` again and again until Ctrl-C, which is how a watch ends and no error. */
export async function lookAgain({ clock, signal }: Pick<Cli, 'clock' | 'signal'>, { watch, exit }: { readonly watch: boolean; readonly exit: (code: number) => void }, look: () => Promise<void>): Promise<void> {
  try {
    do {
      await look();
      if (watch) await clock.sleep(pause, signal);
    } while (watch);
  } catch (error) {
    if (!(watch && signal.aborted)) throw error;
    exit(130);
  }
}

/** On a terminal each look of a watch takes the place of the one before: what is to be printed before it. */
export function clearing(watch: boolean): string {
  return watch && process.stdout.isTTY === true ? '\x1b[H\x1b[2J' : '';
}
