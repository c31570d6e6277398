import { KubekeepError, type ErrorCode } from '../lib/errors.ts';
import { hostKeyAlias } from './_ssh-options.ts';
import type { SshTarget } from './ssh-target.ts';

interface Explanation {
  readonly when: RegExp;
  readonly code: ErrorCode;
  readonly message: (said: string) => string;
  readonly hint: string;
}

/**
 * What ssh, sudo or the login shell printed, as one sentence with the next thing to do. Both outputs are of the time before a script began, in
 * English (LC_ALL=C).
 */
export function explainSshFailure(target: SshTarget, stderr: string, stdout = ''): KubekeepError {
  const said = lastLine(stderr) ?? lastLine(stdout) ?? 'no answer';
  const found = explanations(target).find(({ when }) => when.test(stderr));
  if (found) return new KubekeepError(found.code, `${place(target)}: ${found.message(said)}`, { hint: found.hint });
  // A shell that said something else than ssh itself: nologin, a forced command, a broken rc file.
  if (lastLine(stdout) !== undefined || /nologin|not available/.test(stderr)) {
    return new KubekeepError('host-login', `${place(target)}: the login works but runs no commands: ${said}`, { hint: `Give ${target.user} a normal login shell, and its key no forced command.` });
  }
  return new KubekeepError('host-unreachable', `${place(target)}: ${said}`, { hint: target.jump ? `Check the address, the jump host ${target.jump}, and that SSH answers there.` : 'Check the address and that SSH answers there.' });
}

/** A connection that broke while a script ran. */
export function explainLostConnection(target: SshTarget): KubekeepError {
  return new KubekeepError('host-unreachable', `${place(target)}: the connection was lost while a command ran there, or the command was killed`, { hint: 'The command may have come to its end all the same. Run kubekeep again: it looks at the host first.' });
}

/** The first that fits. */
function explanations({ name, user, jump }: SshTarget): readonly Explanation[] {
  const alias = hostKeyAlias(name);
  const ownKey = new RegExp(`host key is known for ${alias.replaceAll('.', '\\.')} `);
  const ownChange = new RegExp(`[Hh]ost key for ${alias.replaceAll('.', '\\.')} has changed`);
  const jumpHint = `Log in there once with ssh ${jump}, compare the fingerprint and accept it: a jump host is checked against your own known_hosts.`;
  return [
    {
      when: ownChange,
      code: 'host-key',
      message: () => 'the host key has changed; the connection was refused',
      hint: 'If the host was reinstalled on purpose, run kubekeep hosts trust --replace and compare the fingerprint on its console, or correct hostKey in the cluster file.',
    },
    { when: ownKey, code: 'host-key', message: () => 'the host key is not known', hint: 'Run kubekeep hosts trust, or give hostKey in the cluster file.' },
    ...(jump ? [{ when: /Host key verification failed|IDENTIFICATION HAS CHANGED/, code: 'host-key', message: () => `the host key of the jump host ${jump} is not known or has changed`, hint: jumpHint } as const] : []),
    { when: /Host key verification failed|IDENTIFICATION HAS CHANGED/, code: 'host-key', message: () => 'the host key was refused', hint: 'Run kubekeep hosts trust, or correct hostKey in the cluster file.' },
    { when: /env: .?sudo.?: No such file/, code: 'host-login', message: () => `${user} is not root and sudo is not installed`, hint: 'Install sudo on the host, or log in as root.' },
    {
      when: /^(sudo: |Sorry, user |.* is not in the sudoers file)/m,
      code: 'host-login',
      message: (said) => (/password is required|terminal is required/.test(said) ? `sudo asks ${user} for a password` : `sudo refuses ${user}: ${said}`),
      hint: `Allow it on the host, in a file of /etc/sudoers.d: ${user} ALL=(root) NOPASSWD: ALL`,
    },
    { when: /env: .?timeout.?: No such file|command not found/, code: 'host-unfit', message: (said) => `the host lacks a basic program: ${said}`, hint: 'Hosts are Debian machines with coreutils.' },
    {
      when: /Permission denied|Too many authentication failures|Load key|no mutual signature|[Aa]uthentication failed/,
      code: 'host-login',
      message: (said) => `the login was refused: ${said}`,
      hint: "Check ssh.user and ssh.identity in the cluster file, and the key in the host's authorized_keys.",
    },
    {
      // Behind a jump host the same words are said of the pipe to it.
      when: jump ? /Not allowed at this time/ : /Connection (closed|reset) by|Not allowed at this time/,
      code: 'host-unreachable',
      message: () => 'the SSH server ended the connection before a login',
      hint: 'OpenSSH 9.8 and newer turn an address away for a while after several connections without a login (PerSourcePenalties): try again in a minute.',
    },
  ];
}

function place({ name, address, port, user }: SshTarget): string {
  return `${name} (${user}@${address}${port === 22 ? '' : `:${port}`})`;
}

function lastLine(text: string): string | undefined {
  return text.split('\n').map((line) => line.trim()).findLast((line) => line !== '');
}
