import { KubekeepError } from '../lib/errors.ts';
import type { SshTarget } from './ssh.ts';

/** What OpenSSH or sudo printed, as one sentence with the next thing to do. */
export function explainSshFailure({ name, address, port, user }: SshTarget, stderr: string): KubekeepError {
  const where = `${name} (${user}@${address}${port === 22 ? '' : `:${port}`})`;
  const said = stderr.trim().split('\n').findLast((line) => line.trim() !== '')?.trim() ?? 'no answer';
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(stderr))
    return new KubekeepError('host-key', `${where}: the host key has changed; the connection was refused`, {
      hint: 'If the host was reinstalled on purpose, run kubekeep hosts trust and compare the fingerprint on its console, or correct hostKey in the cluster file.',
    });
  if (/Host key verification failed|host key is known/.test(stderr))
    return new KubekeepError('host-key', `${where}: the host key is not known`, { hint: 'Run kubekeep hosts trust, or give hostKey in the cluster file.' });
  if (/sudo: .*password|sudo: .*not allowed|not in the sudoers/.test(stderr))
    return new KubekeepError('host-login', `${where}: sudo asks for a password or refuses: ${said}`, { hint: `Allow it on the host: ${user} ALL=(root) NOPASSWD: ALL in a file of /etc/sudoers.d.` });
  if (/sudo: (command )?not found/.test(stderr)) return new KubekeepError('host-login', `${where}: sudo is not installed`, { hint: 'Install sudo on the host, or log in as root.' });
  if (/Permission denied|Too many authentication failures|Load key/.test(stderr))
    return new KubekeepError('host-login', `${where}: the login was refused: ${said}`, { hint: 'Check ssh.user and ssh.identity in the cluster file, and the key in the host\'s authorized_keys.' });
  return new KubekeepError('host-unreachable', `${where}: ${said}`, { hint: 'Check the address and that SSH answers there.' });
}
