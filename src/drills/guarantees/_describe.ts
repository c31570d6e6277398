import type { Request } from '../history/record.ts';

/** Milliseconds as the seconds of the run, "12.345 s". */
export function timeText(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`;
}

/** Says which request it is: `update of "r1" by lane "register, VIP" (12.300 s to 12.345 s)`. */
export function requestText({ operation, object, lane, sent, ended }: Request): string {
  return `${operation} of "${object}" by lane "${lane}" (${timeText(sent)} to ${timeText(ended)})`;
}

/** "at revision 12", or that there was none in the answer. */
export function revisionText(revision: number | undefined): string {
  return revision === undefined ? 'at an unknown revision' : `at revision ${revision}`;
}
