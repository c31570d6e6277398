import { changed, replaceOnce, rewritten } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** Whoever is connected to a hung server waits until it finds out by itself: client-go after 45 s. */
export const openSessionsStay: SetupMutant = {
  kind: 'set-up',
  id: 'M4',
  title: 'HAProxy does not close the sessions of a server that it found dead',
  fault: 'A3-most',
  caughtBy: 'C-gap',
  renderers: changed({
    haproxy: (design) => rewritten(design, design.files.find(({ path }) => path.endsWith('.lua'))!.path, (text) => replaceOnce(text, '        close_sessions(name, "it is dead, " .. last_check(stats))\n', '')),
  }),
};
