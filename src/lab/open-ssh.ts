import { spawn } from 'node:child_process';
import { quote } from '../hosts/quote.ts';
import { KubekeepError } from '../lib/errors.ts';
import { findMachine, knownHostsFile, loginOf, type Lab } from './lab.ts';

/**
 * Opens an SSH session on the user's terminal and resolves to its exit code. A command of one word is shell text for the machine; several
 * words are run as they are. Throws `lab-missing` or `tool-missing`.
 */
export async function openSsh(lab: Lab, name: string, command: readonly string[] = []): Promise<number> {
  const child = spawn('ssh', sshArguments(lab, name, command), { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new KubekeepError('tool-missing', 'ssh is not installed on this computer', { hint: 'apt-get install -y openssh-client', cause })));
    child.once('close', (code) => resolve(code ?? 255));
  });
}

/** Arguments for ssh that use nothing of the user's own configuration and accept only the machine's own key. */
export function sshArguments(lab: Lab, name: string, command: readonly string[] = []): string[] {
  const { address, port, user, identity } = loginOf(lab, findMachine(lab, name));
  const options = { IdentitiesOnly: 'yes', UserKnownHostsFile: `"${knownHostsFile(lab)}"`, GlobalKnownHostsFile: '/dev/null', StrictHostKeyChecking: 'yes', BatchMode: 'yes', LogLevel: 'ERROR', ConnectTimeout: '5' };
  const text = command.length > 1 ? command.map(quote).join(' ') : command[0];
  return ['-F', '/dev/null', '-i', identity, ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), '-p', String(port), `${user}@${address}`, ...(text === undefined ? [] : [text])];
}
