import { unitFolder } from '../../render/paths.ts';
import { unitFile } from '../../render/_unit-file.ts';
import type { Change } from './_changed.ts';

/** keepalived as its package starts it, without what kubekeep puts beside it: a configuration and at most one check script. */
export function plainKeepalived(config: string, script?: { readonly path: string; readonly text: string }): Change {
  return ({ name, unit, check }) => ({
    name,
    ...(unit && { unit }),
    programs: {},
    files: [
      ...(script ? [{ path: script.path, mode: 0o755, owner: 'root:root', content: script.text }] : []),
      { path: check!.path, mode: 0o644, owner: 'root:root', content: config },
      { path: `${unitFolder}/${unit}`, mode: 0o644, owner: 'root:root', content: plainUnit(check!.path) },
    ],
    check: { path: check!.path, command: 'keepalived -t -f' },
    onChange: 'reload',
  });
}

function plainUnit(config: string): string {
  return unitFile({
    Unit: { Description: 'Keepalive Daemon (LVS and VRRP)', After: 'network-online.target', Wants: 'network-online.target' },
    Service: { Type: 'notify', ExecStart: `/usr/sbin/keepalived --dont-fork --use-file ${config}`, ExecReload: '/bin/kill -HUP $MAINPID' },
    Install: { WantedBy: 'multi-user.target' },
  });
}
