import { runProcess, type ProcessResult } from '../../src/hosts/process.ts';
import { quote } from '../../src/hosts/quote.ts';

/**
 * Runs a command as a user (root) with only these files in `.ssh`: ssh reads the user's files there whatever $HOME says, so the folder itself is another
 * one for the command. Not the whole home: this project may lie in it.
 */
export async function withOwnSshFiles(files: Readonly<Record<string, string>>, command: readonly string[]): Promise<ProcessResult> {
  const script = [
    'set -e; mkdir -p -m 0700 /root/.ssh; mount -t tmpfs -o mode=0700 none /root/.ssh',
    ...Object.entries(files).map(([name, content]) => `printf %s ${quote(content)} > /root/.ssh/${name}`),
    `exec ${command.map(quote).join(' ')}`,
  ].join('\n');
  return runProcess('unshare', ['--mount', 'sh', '-c', script]);
}
