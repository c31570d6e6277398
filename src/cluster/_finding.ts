/** A problem whose place is still a path and not yet a line. */
export interface Finding {
  readonly path: Path;
  /** Whether the field's name or its value is meant; default value. */
  readonly at?: 'name' | 'value' | undefined;
  readonly message: string;
  readonly suggestion?: string | undefined;
}

export type Path = readonly (string | number)[];

/** `['spec', 'hosts', 0, 'address']` → `spec.hosts[0].address`. */
export function showPath(path: Path): string {
  return path.map((part, position) => (typeof part === 'number' ? `[${part}]` : `${position === 0 ? '' : '.'}${hasSecret(part) ? '(a secret)' : shorten(part)}`)).join('');
}

/** A value as it may stand in a message: short, on one line, and never a secret. */
export function show(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return hasSecret(value) ? 'a secret' : JSON.stringify(shorten(value));
  return `${value as number | boolean}`;
}

/** Marks of private keys: PEM, an OpenSSH key's base64 body, age identities. */
export const secretMark = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|b3BlbnNzaC1rZXkt|AGE-SECRET-KEY-|AGE-PLUGIN-[A-Z0-9-]+-1[A-Z0-9]/i;

function hasSecret(text: string): boolean {
  return secretMark.test(text);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
