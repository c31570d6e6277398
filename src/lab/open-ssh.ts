import { runInteractive } from '../hosts/run-interactive.ts';
import { KubekeepError } from '../lib/errors.ts';
import { findMachine, type Lab } from './lab.ts';
import { machineState } from './power.ts';
import { sshArguments } from './ssh-arguments.ts';

/**
 * Opens an SSH session on the user's terminal and resolves to its exit code. A command of one word is shell text for the machine; several
 * words are run as they are. Throws `lab-missing`, `lab-failed` where it is off, or `tool-missing`.
 */
export async function openSsh(lab: Lab, name: string, command: readonly string[] = []): Promise<number> {
  if ((await machineState(findMachine(lab, name))) === 'off') {
    throw new KubekeepError('lab-failed', `machine ${name} of lab ${lab.name} is off`, { hint: `kubekeep lab power on ${name} --name ${lab.name} switches it on.` });
  }
  try {
    return await runInteractive(['ssh', ...sshArguments(lab, name, command)]);
  } catch (cause) {
    throw new KubekeepError('tool-missing', 'ssh is not installed on this computer', { hint: 'apt-get install -y openssh-client', cause });
  }
}
