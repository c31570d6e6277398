import { changed, replaceOnce, rewritten } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** The time-outs of kubeadm's guide: a connection on which nothing is said for 35 s is cut, and with it the watch of a client that gives no sign of life. */
export const quietWatchesAreCut: SetupMutant = {
  kind: 'set-up',
  id: 'M1',
  title: 'HAProxy has the time-outs of 35 s that the guide gives it, and none for tunnels',
  fault: 'calm',
  caughtBy: 'C-calm',
  renderers: changed({
    haproxy: (design) => rewritten(design, design.check!.path, (text) => ['client', 'server'].reduce((rest, side) => replaceOnce(rest, `timeout ${side} 30s`, `timeout ${side} 35s`), replaceOnce(text, '    timeout tunnel 24h\n', ''))),
  }),
};
