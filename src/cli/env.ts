import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** What the program reads from its surroundings; the only reader of `process.env`. */
export interface Environment {
  /** The user's cache folder for kubekeep, shared by all clusters. */
  readonly cacheFolder: string;
  /** Folder for sockets and the registry of labs; gone after a reboot. */
  readonly runtimeFolder: string;
  readonly colour: boolean;
  readonly interactive: boolean;
  /** Path of an age identity, from KUBEKEEP_IDENTITY. */
  readonly identityFile: string | undefined;
  /** KUBECONFIG, for kubectl. */
  readonly kubeconfig?: string | undefined;
  /** The folder that systemd gives a service for its state. */
  readonly serviceState?: string | undefined;
  readonly user: string;
}

export function readEnvironment(): Environment {
  const { env } = process;
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true && env['CI'] === undefined;
  return {
    cacheFolder: join(resolve(env['XDG_CACHE_HOME'] || join(homedir(), '.cache')), 'kubekeep'),
    runtimeFolder: process.getuid?.() === 0 ? '/run/kubekeep' : join(env['XDG_RUNTIME_DIR'] || '/tmp', `kubekeep-${process.getuid?.() ?? 0}`),
    colour: process.stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    interactive,
    identityFile: env['KUBEKEEP_IDENTITY'] || undefined,
    kubeconfig: env['KUBECONFIG'] || undefined,
    serviceState: env['STATE_DIRECTORY'] || undefined,
    user: env['SUDO_USER'] || env['USER'] || env['LOGNAME'] || accountName(),
  };
}

/** An account may have a number only. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user-${process.getuid?.() ?? 'unknown'}`;
  }
}
