/** "a", "a and b", "a, b and c". */
export function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Without the host and its address, which stand before it already. */
export function shortReason(reason: string): string {
  return reason.replace(/^\S+ \([^)]*\): /, '').replace(/^ssh: connect to host \S+ port \d+: /, '');
}
