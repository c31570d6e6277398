/** Milliseconds as seconds for people: "0.42 s", "12.1 s", "140 s". */
export function secondsText(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return 'not measured';
  const seconds = milliseconds / 1000;
  const size = Math.abs(seconds);
  return `${seconds.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0)} s`;
}

/** "5,021". */
export function countText(count: number): string {
  return count.toLocaleString('en-GB');
}

/** "1 run", "5 runs". */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** "2026-11-23 18:54:10 UTC". */
export function momentText(epoch: number): string {
  const moment = new Date(epoch);
  return Number.isNaN(moment.getTime()) ? 'at an unknown time' : `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** "a", "a and b", "a, b and c". */
export function listText(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}
