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
