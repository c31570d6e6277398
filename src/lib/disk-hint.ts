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
