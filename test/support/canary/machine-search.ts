import type { Host } from '../../../src/hosts/host.ts';
import { seenIn, type Canary } from './canaries.ts';

/** Files of a machine that show a piece of a secret. Everything but programs and the kernel's own is looked at; journals are not, since they may be packed. */
export async function filesThatShow(host: Pick<Host, 'run'>, canaries: readonly Canary[]): Promise<readonly string[]> {
  const places = '/etc /home /media /mnt /opt /root /run /srv /tmp /var /dev/shm';
  const { stdout, stderr } = await host.run(withPatterns(`grep -rlaF -D skip -f /dev/fd/3 ${places} 2>/dev/null; true`, canaries), { timeout: 300_000 });
  if (stderr !== '') throw new Error(stderr);
  return stdout.split('\n').filter((line) => line !== '').sort();
}

/** Secrets that the journals of a machine show, of all boots, with every field of every entry. */
export async function seenInJournals(host: Pick<Host, 'run'>, canaries: readonly Canary[]): Promise<readonly string[]> {
  const { stdout } = await host.run(withPatterns('journalctl --no-pager -m -o export | grep -aF -f /dev/fd/3; journalctl --no-pager -m -o export | wc -l', canaries), { timeout: 300_000 });
  const lines = stdout.trimEnd().split('\n');
  if (!(Number(lines.at(-1)) > 1000)) throw new Error(`the journal has only ${lines.at(-1)} lines`);
  return seenIn(lines.join('\n'), canaries);
}

/** The patterns reach grep by a descriptor: they must not be in an argument, and not in a file that grep would find. */
function withPatterns(command: string, canaries: readonly Canary[]): string {
  return `{ ${command}; } 3<<'END_OF_PATTERNS'\n${canaries.map(({ text }) => text).join('\n')}\nEND_OF_PATTERNS\n`;
}
