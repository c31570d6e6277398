import { runProcess, type ProcessResult } from '../../src/hosts/process.ts';
import { quote } from '../../src/hosts/quote.ts';

/**
 * Runs a command as a user (root) with an empty home folder but for these files of `.ssh`: ssh reads the user's files there whatever $HOME says, so the folder
 * itself is another one for the command.
 */
export async function withOwnSshFiles(files: Readonly<Record<string, string>>, command: readonly string[]): Promise<ProcessResult> {
  const script = [
    'set -e; mount -t tmpfs none /root; mkdir -m 0700 /root/.ssh',
    ...Object.entries(files).map(([name, content]) => `printf %s ${quote(content)} > /root/.ssh/${name}`),
    `exec ${command.map(quote).join(' ')}`,
  ].join('\n');
  return runProcess('unshare', ['--mount', 'sh', '-c', script]);
}
