import { spawn } from 'node:child_process';
import { KubekeepError } from '../lib/errors.ts';
import type { Lab } from './lab.ts';
import { sshArguments } from './ssh-arguments.ts';

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
