import { unitPath, type Change } from './_changed.ts';

/**
 * keepalived as its package starts it, without what kubekeep puts beside it: a configuration and at most one check script. Not checked before it takes its
 * place: `keepalived -t` refuses the guide's, which runs a script without saying as whom.
 */
export function plainKeepalived(config: string, script?: { readonly path: string; readonly text: string }): Change {
  return (design) => {
    const path = design.check!.path;
    const file = (where: string, content: string, mode = 0o644) => ({ path: where, mode, owner: 'root:root', content });
    return {
      name: design.name,
      unit: design.unit!,
      programs: {},
      files: [...(script ? [file(script.path, script.text, 0o755)] : []), file(path, config), file(unitPath(design), unitText(path))],
      onChange: 'reload',
    };
  };
}

function unitText(config: string): string {
  return `[Unit]
Description=Keepalive Daemon (LVS and VRRP)
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=/usr/sbin/keepalived --dont-fork --use-file ${config}
ExecReload=/bin/kill -HUP $MAINPID

[Install]
WantedBy=multi-user.target
`;
}
