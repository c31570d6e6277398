import { posix } from 'node:path';
import { soonUpAgain, unitFile } from './_unit-file.ts';

/** How keepalived learns whether the HAProxy of its host is alive. */
export interface LbAlive {
  /** In words. */
  readonly what: string;
  /** HAProxy's unit. */
  readonly haproxy: string;
  /** Port on loopback where it says so. */
  readonly port: number;
  /** For keepalived, 0 or -254; in a folder of its own in /run. */
  readonly file: string;
}

/**
 * keepalived's own track_process needs a kernel interface that containers lack, and sees no hung process. Two bad answers of the last three
 * count; the loop uses no process per turn but one a second, for systemd's watchdog.
 */
export const aliveScript = ({ port, file }: LbAlive) => `#!/bin/bash
# Managed by kubekeep. Asks the local HAProxy every 100 ms whether it is alive and tells keepalived (0: alive, -254: fault).
exec 9<> <(:)
window=(0 0 0)
told=
turn=0
late=0

# 0: alive, 1: not, 2: this loop itself had to wait for a processor, as HAProxy may have.
alive() {
  local answer=
  local asked=\${EPOCHREALTIME/[.,]/}
  { exec 3<>/dev/tcp/127.0.0.1/${port}; } 2>/dev/null || return 1
  printf 'GET /alive HTTP/1.0\\r\\n\\r\\n' >&3
  IFS= read -r -t 0.2 -u 3 answer
  exec 3>&-
  [[ $answer == *" 200 "* ]] && return
  (( \${EPOCHREALTIME/[.,]/} - asked < 300000 )) && return 1
  return 2
}

while :; do
  alive; bad=$?
  # Not for ever: after five of them in a row it counts.
  late=$(( bad == 2 ? late + 1 : 0 ))
  if (( late > 0 && late <= 5 )); then continue; fi
  window=("\${window[@]:1}" $(( bad > 0 )))
  if (( window[0] + window[1] + window[2] >= 2 )); then now=-254; else now=0; fi
  if [[ $now != "$told" ]]; then echo "$now" > ${file}; told=$now; echo "HAProxy: $([[ $now == 0 ]] && echo alive || echo does not answer)"; fi
  if (( turn == 0 )); then systemd-notify READY=1 WATCHDOG=1; fi
  turn=$(( (turn + 1) % 5 ))
  read -r -t 0.1 -u 9
done
`;

/** `script`: path of the script on the host. */
export const aliveUnitFile = ({ file, what, haproxy }: LbAlive, script: string) => unitFile({
  Unit: { Description: `Tells keepalived whether ${what} is alive (kubekeep)`, After: haproxy, StartLimitIntervalSec: 0 },
  Service: {
    Type: 'notify',
    User: 'haproxy',
    Group: 'haproxy',
    NotifyAccess: 'all',
    ExecStart: `/bin/bash ${script}`,
    // A loop that ended by itself or was killed must not leave a good word behind.
    ExecStopPost: `/bin/sh -c '[ "$SERVICE_RESULT" = success ] || echo -254 > ${file}'`,
    WatchdogSec: 5,
    RuntimeDirectory: posix.dirname(file).slice('/run/'.length),
    RuntimeDirectoryPreserve: 'yes',
    ...soonUpAgain,
    // keepalived, root without the right to pass over modes, reads the file.
    UMask: '0022',
  },
  Install: { WantedBy: 'multi-user.target' },
});
