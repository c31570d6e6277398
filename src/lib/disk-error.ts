import { KubekeepError } from './errors.ts';

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on that disk and run it again: what was begun counts for nothing.',
  EDQUOT: 'The quota of this user is used up: make room there and run it again.',
  EROFS: 'It is mounted read-only.',
  EACCES: 'This user may not: look at the rights of the folder.',
  EPERM: 'This user may not: look at the rights of the folder.',
};

/** What to do about a file that this computer does not take or give, by the kernel's code; undefined where its words say it all. */
export function diskHint(error: unknown): string | undefined {
  return hints[(error as NodeJS.ErrnoException | undefined)?.code ?? ''];
}

/** What to throw for what was caught while a file was written: `file-missing`, naming it, for what the kernel refused, and anything else as it is. */
export function unwritten(path: string, caught: unknown): unknown {
  if (!(caught instanceof Error && 'syscall' in caught)) return caught;
  return new KubekeepError('file-missing', `${path} cannot be written: ${caught.message}`, { hint: diskHint(caught), cause: caught });
}

/** The same for a program that wrote into a folder and ended: undefined where its words do not say that there was no room. */
export function noRoomIn(folder: string, lines: readonly string[]): KubekeepError | undefined {
  if (!lines.some((line) => /no space left on device|disk quota exceeded/i.test(line))) return undefined;
  return new KubekeepError('file-missing', `there is no room in ${folder} for what is restored there for a while: twice etcd's file and 200 MB`, { hint: hints['ENOSPC'] });
}
