import type { Clock } from '../lib/clock.ts';
import type { Progress } from '../lib/progress.ts';

export interface ProgressOptions {
  readonly mode: 'lines' | 'ndjson' | 'quiet';
  readonly colour: boolean;
  readonly clock: Clock;
  readonly write: (text: string) => void;
}

/** Progress as lines with the seconds since the start, as NDJSON, or not at all. Byte counts appear at most once a second for people. */
export function createProgress({ mode, colour, clock, write }: ProgressOptions): Progress {
  if (mode === 'quiet') return () => {};
  if (mode === 'ndjson') return (event) => write(`${JSON.stringify(event)}\n`);
  const start = clock.monotonic();
  const shownAt = new Map<string, number>();
  const marks = { started: '·', done: '✓', failed: '✗', skipped: '-', note: ' ', bytes: '·' } as const;
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  return ({ type, title, host, detail, bytes, total }) => {
    const now = clock.monotonic();
    if (type === 'bytes') {
      const key = `${host} ${title}`;
      if (bytes !== total && now - (shownAt.get(key) ?? start) < 1000) return;
      shownAt.set(key, now);
    }
    const mark = type === 'done' ? paint(32, marks.done) : type === 'failed' ? paint(31, marks.failed) : marks[type];
    const size = bytes === undefined ? '' : ` ${megabytes(bytes)}${total === undefined ? '' : ` of ${megabytes(total)}`} MB`;
    write(`${paint(2, `${((now - start) / 1000).toFixed(1).padStart(6)}s`)} ${mark} ${host ? `${paint(1, host)} ` : ''}${title}${size}${detail ? ` ${paint(2, detail)}` : ''}\n`);
  };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
