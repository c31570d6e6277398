import { quote } from '../../hosts/quote.ts';
import type { Scripts } from './_on-hosts.ts';

/** A script that runs on a host beside the drill, as a unit with a name of its own, so that nothing of it can outlive its time limit (in it or here, 120 s) or the undo. */
export function background(name: string, script: string): Scripts {
  const unit = `kubekeep-drill-${name}`;
  return {
    inject: `systemd-run --quiet --collect --unit=${unit} -p RuntimeMaxSec=120 -p LimitNOFILE=20000 sh -c ${quote(script)}`,
    undo: `systemctl stop ${unit}.service 2>/dev/null || :`,
  };
}

/**
 * So many processes that use all the CPU that they get, for a minute at the most. The first process ends after them: where cgroups are of version 1 systemd does not hear when one becomes empty, and would keep the unit. Without `$`, which systemd-run
 * would fill in.
 */
export function burners(count: number): Scripts {
  const turns = Array.from({ length: count }, (_, turn) => turn + 1).join(' ');
  return background('busy', `trap 'trap "" TERM; kill 0; wait; exit 0' TERM; for i in ${turns}; do timeout --foreground 60 sh -c "while :; do :; done" & done; wait`);
}
