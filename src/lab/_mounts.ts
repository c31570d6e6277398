import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { attempt } from './_tool.ts';

export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** What is mounted on this computer, newest last. */
export async function readMounts(): Promise<Mount[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const [before, after] = line.split(' - ');
    return { source: unescape(after!.split(' ')[1]!), target: unescape(before!.split(' ')[4]!) };
  });
}

export async function isMounted(folder: string): Promise<boolean> {
  return (await readMounts()).some((mount) => mount.target === folder);
}

/** Unmounts a folder, also where it was mounted more than once or is busy for a moment. Throws `lab-failed`. */
export async function unmount(folder: string): Promise<void> {
  for (let turn = 0; await isMounted(folder); turn += 1) {
    const { exitCode, stderr } = await attempt('umount', turn < 100 ? [folder] : ['--lazy', folder]);
    if (exitCode === 0) continue;
    if (turn > 105) throw new KubekeepError('lab-failed', `${folder} cannot be unmounted: ${stderr.trim()}`);
    await sleep(30);
  }
}

/** Spaces and the like stand as octal numbers there. */
function unescape(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
