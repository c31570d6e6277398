import { changed, replaceOnce, rewritten, unitPath } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** Only keepalived itself takes the address off the interface: when it starts again, which has to be sooner than another one takes the VIP. */
export const vipIsLeftBehind: SetupMutant = {
  kind: 'set-up',
  id: 'M5',
  title: 'keepalived is not started again at once where it was killed, so that the VIP stays there',
  fault: 'K1',
  caughtBy: 'C-vip',
  renderers: changed({
    keepalived: (design) => rewritten(design, unitPath(design), (text) => replaceOnce(text, 'RestartSec=500ms', 'RestartSec=30s')),
  }),
};
