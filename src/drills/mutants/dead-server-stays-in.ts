import { changed, replaceOnce, rewritten } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** A hung process still has a kernel that accepts connections for it. */
export const deadServerStaysIn: SetupMutant = {
  kind: 'set-up',
  id: 'M3',
  title: 'HAProxy only looks whether an API server accepts connections',
  fault: 'A3-most',
  caughtBy: 'C-gap',
  renderers: changed({
    haproxy: (design) => rewritten(design, design.check!.path, (text) => replaceOnce(text, /^ {4}(option httpchk|http-check .*)\n/gm, '')),
  }),
};
