import { duration } from '../lib/duration.ts';

/** How a whole time is written. */
export const timeWords = 'a time such as 2026-11-25T14:02:00Z (UTC where it names no zone)';
/** How a moment of the past is written on a command line. */
export const pastPointWords = 'a time such as 14:02 (of this computer\'s time zone; 14:02Z is UTC) or 2026-11-25T14:02:00Z (UTC where it names no zone), how long ago (10m, 2h, 3d), latest, revision:N or base:N';

/** The same as a point of the repository: a time of the day is the last one that was. `now` in ms since the epoch. */
export function pastPoint(text: string, now: number): string {
  const ago = duration(text);
  if (ago !== undefined) return new Date(now - ago).toISOString();
  const [, hours, minutes, seconds = '0', utc] = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(Z)?$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return text;
  const time = new Date(now);
  if (utc) time.setUTCHours(Number(hours), Number(minutes), Number(seconds), 0);
  else time.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  if (time.getTime() > now) {
    if (utc) time.setUTCDate(time.getUTCDate() - 1);
    else time.setDate(time.getDate() - 1);
  }
  return time.toISOString();
}

/** "14:02", "2026-11-25T14:02Z" or "revision:120": what a context of a point is called after its cluster. */
export function pastName(text: string, time: number): string {
  return /^(revision|base):\d+$|^\d\d?:\d\d(:\d\d)?Z?$/.test(text) ? text : `${new Date(time).toISOString().slice(0, 19)}Z`;
}
