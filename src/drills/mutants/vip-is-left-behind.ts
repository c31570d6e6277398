import { changed, replaceOnce, rewritten, unitPath } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** A keepalived that was killed leaves the address on the interface, until it starts again. */
export const vipIsLeftBehind: SetupMutant = {
  kind: 'set-up',
  id: 'M5',
  title: 'nothing takes the VIP off a host whose keepalived was killed',
  fault: 'K1',
  caughtBy: 'C-vip',
  renderers: changed({
    keepalived: (design) => rewritten(design, unitPath(design), (text) => replaceOnce(replaceOnce(text, /^ExecStopPost=.*\n/gm, ''), 'RestartSec=100ms', 'RestartSec=30s')),
  }),
};
