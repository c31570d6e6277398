import { hardening, unitFile } from './_unit-file.ts';
import type { RenderFacts } from './design.ts';

export interface HaproxyUnit {
  readonly description: string;
  /** Of the unit, and of its folder in /run. */
  readonly name: string;
  readonly config: string;
  /** Whether it may listen on ports below 1024. */
  readonly lowPorts: boolean;
  /** What it has of the processors where they are short. */
  readonly importance: Readonly<Record<string, string | number>>;
  /** Run when the new configuration was found good, before HAProxy reads it. */
  readonly beforeReload?: readonly string[];
  /** Run once it serves. */
  readonly afterStart?: readonly string[];
}

/** A unit of HAProxy that takes a new configuration without closing a connection, and none that is not good. */
export function haproxyUnit({ openFiles }: RenderFacts, { description, name, config, lowPorts, importance, beforeReload = [], afterStart = [] }: HaproxyUnit): string {
  return unitFile({
    Unit: { Description: description, After: 'network-online.target', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'notify',
      User: 'haproxy',
      Group: 'haproxy',
      ExecStartPre: `/usr/sbin/haproxy -c -q -f ${config}`,
      ExecStart: `/usr/sbin/haproxy -Ws -f ${config} -p /run/${name}/haproxy.pid`,
      ...(afterStart.length > 0 && { ExecStartPost: afterStart.map((command) => `-${command}`) }),
      ExecReload: [`/usr/sbin/haproxy -c -q -f ${config}`, ...beforeReload, '/bin/kill -USR2 $MAINPID'],
      KillMode: 'mixed',
      SuccessExitStatus: 143,
      RuntimeDirectory: name,
      RuntimeDirectoryMode: '0700',
      Restart: 'always',
      RestartSec: '100ms',
      TimeoutStopSec: 10,
      LimitNOFILE: Math.min(openFiles, 65536),
      ...importance,
      ...hardening,
      ...(lowPorts && bindsLow),
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

/** Ports below 1024 are for those who hold this. */
const bindsLow = { AmbientCapabilities: 'CAP_NET_BIND_SERVICE', CapabilityBoundingSet: 'CAP_NET_BIND_SERVICE' };

/** Two file descriptors a connection, some for checks and listeners. HAProxy refuses to start with more than the limit allows. */
export function maxConnections(openFiles: number): number {
  return Math.max(500, Math.min(20_000, Math.floor((openFiles - 400) / 2.2)));
}
