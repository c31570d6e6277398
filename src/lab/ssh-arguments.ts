import { quote } from '../hosts/quote.ts';
import { findMachine, knownHostsFile, loginOf, type Lab } from './lab.ts';

/** Arguments for ssh that use nothing of the user's own configuration and accept only the machine's own key. */
export function sshArguments(lab: Lab, name: string, command: readonly string[] = []): string[] {
  const { address, port, user, identity } = loginOf(lab, findMachine(lab, name));
  const options = { IdentitiesOnly: 'yes', UserKnownHostsFile: `"${knownHostsFile(lab)}"`, GlobalKnownHostsFile: '/dev/null', StrictHostKeyChecking: 'yes', BatchMode: 'yes', LogLevel: 'ERROR', ConnectTimeout: '5' };
  const text = command.length > 1 ? command.map(quote).join(' ') : command[0];
  return ['-F', '/dev/null', '-i', identity, ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), '-p', String(port), `${user}@${address}`, ...(text === undefined ? [] : [text])];
}
