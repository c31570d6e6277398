/** Options of a systemd unit in the order given; a list repeats the key. */
type Section = Readonly<Record<string, string | number | readonly string[]>>;

export function unitFile(sections: Readonly<Record<string, Section>>): string {
  return Object.entries(sections)
    .map(([name, options]) => [`[${name}]`, ...Object.entries(options).flatMap(([key, value]) => (typeof value === 'object' ? value : [value]).map((one) => `${key}=${one}`)), ''].join('\n'))
    .join('\n');
}

/** ExecStart with one flag a line, so that a diff of two units reads well. A value with blanks or specifiers is quoted for systemd. */
export function commandLine(program: string, flags: Readonly<Record<string, string | readonly string[]>>): string {
  return [program, ...Object.entries(flags).map(([flag, value]) => word(`--${flag}=${typeof value === 'object' ? value.join(',') : value}`))].join(' \\\n  ');
}

function word(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@+=:,./*%$-]+$/.test(text) ? escaped : `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/**
 * The CIS benchmark wants what starts a component of Kubernetes to be root's alone. It hides nothing: systemd shows its units to everybody, and says so
 * in its log when it reads one of this mode.
 */
export const unitMode = 0o600;

/**
 * What every server gets: no way to gain rights, a read-only system, no devices, only the system calls of a service. Components add what they
 * may write to. docs/reference/hardening.md states the level that `systemd-analyze security` reports.
 */
export const hardening = {
  AmbientCapabilities: '',
  CapabilityBoundingSet: '',
  // A core dump would put private keys on the disk.
  LimitCORE: 0,
  LockPersonality: 'yes',
  MemoryDenyWriteExecute: 'yes',
  NoNewPrivileges: 'yes',
  PrivateDevices: 'yes',
  PrivateTmp: 'yes',
  ProtectClock: 'yes',
  ProtectControlGroups: 'yes',
  ProtectHome: 'yes',
  ProtectHostname: 'yes',
  ProtectKernelLogs: 'yes',
  ProtectKernelModules: 'yes',
  ProtectKernelTunables: 'yes',
  ProtectProc: 'invisible',
  ProtectSystem: 'strict',
  RemoveIPC: 'yes',
  RestrictAddressFamilies: 'AF_INET AF_INET6 AF_UNIX',
  RestrictNamespaces: 'yes',
  RestrictRealtime: 'yes',
  RestrictSUIDSGID: 'yes',
  SystemCallArchitectures: 'native',
  // Go raises its file limit at start and goes on where it may not.
  SystemCallErrorNumber: 'EPERM',
  SystemCallFilter: ['@system-service', '~@privileged @resources'],
  UMask: '0077',
} as const;

/** Not behind others where processors are short: by weight where systemd divides them among its units, by nice where it does not. */
export const first = { Nice: -10, CPUWeight: 1000 } as const;
export const early = { Nice: -5, CPUWeight: 500 } as const;

/** What decides who has the VIP: up again at once. */
export const soonUpAgain = { Restart: 'always', RestartSec: '100ms', ...first, ...hardening } as const;
