import { changed, replaceOnce, rewritten, unitPath } from '../setups/_changed.ts';
import type { SetupMutant } from './mutant.ts';

/** A keepalived that was killed leaves the address on the interface, until it starts again, and no other balancer looks whether somebody answers for it. */
export const vipIsLeftBehind: SetupMutant = {
  kind: 'set-up',
  id: 'M5',
  title: 'nothing takes the VIP off a host whose keepalived was killed, and nothing keeps another from taking it meanwhile',
  fault: 'K1',
  caughtBy: 'C-vip',
  renderers: changed({
    keepalived: (design) => {
      const unit = rewritten(design, unitPath(design), (text) => replaceOnce(replaceOnce(text, /^ExecStopPost=.*\n/gm, ''), 'RestartSec=100ms', 'RestartSec=30s'));
      return rewritten(unit, design.files.find(({ path }) => path.endsWith('vip-guard.pl'))!.path, blind);
    },
  }),
};

function blind(text: string): string {
  return replaceOnce(text, "notify('READY=1');\n", "notify('READY=1');\nwhile (1) { notify('WATCHDOG=1'); sleep 1 }\n");
}
