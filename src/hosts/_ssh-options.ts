import type { SshTarget } from './ssh-target.ts';

/** The name under which a host's key stands in known_hosts, whatever its address and port. */
export function hostKeyAlias(name: string): string {
  return `kubekeep-${name}`;
}

/**
 * Options for every call of ssh, so that a session makes a connection of its own where the shared one cannot carry it (MaxSessions of the server, a
 * connection that just broke). What the user's configuration says stays in force, except where it could weaken the check of the host key, ask
 * questions, or do something beside the session.
 */
export function sshOptions(target: SshTarget, { knownHosts, connectTimeout }: { knownHosts: string; connectTimeout: number }): string[] {
  const options = {
    // Older clients do not know all of these.
    IgnoreUnknown: 'ForkAfterAuthentication,KnownHostsCommand,RemoteCommand,SessionType,StdinNull',
    BatchMode: 'yes',
    CheckHostIP: 'no',
    ConnectTimeout: connectTimeout,
    ControlPersist: 'no',
    ForkAfterAuthentication: 'no',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: hostKeyAlias(target.name),
    KnownHostsCommand: 'none',
    LogLevel: 'ERROR',
    PermitLocalCommand: 'no',
    RemoteCommand: 'none',
    ServerAliveCountMax: 3,
    ServerAliveInterval: 5,
    StdinNull: 'no',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    UserKnownHostsFile: fileWord(knownHosts),
    VerifyHostKeyDNS: 'no',
  };
  return [
    '-T', '-p', String(target.port), '-l', target.user,
    ...(target.identity ? ['-i', target.identity.replaceAll('%', '%%'), '-o', 'IdentitiesOnly=yes'] : []),
    ...(target.jump ? ['-J', target.jump] : []),
    ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  ];
}

/** A path as one word of ssh's configuration. */
function fileWord(path: string): string {
  return `"${path.replaceAll('%', '%%').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
