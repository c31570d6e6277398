import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: NodeJS.GCFunction | undefined;

/**
 * Frees what has become garbage lately, in about a millisecond. For whoever receives gigabytes in buffers: V8 sees them grow and marks all of the heap again and again, which takes longer than to receive them,
 * since it looks at what is young only once a few megabytes of small things have gathered (docs/decisions/0031).
 */
export function collectYoung(): void {
  collect ??= exposed();
  void collect({ type: 'minor' });
}

/**
 * Gives the space for what is young back, and lets it grow no more: V8 makes it 32 MB while a program starts, and keeps it. For whoever goes on for days, receives small things and keeps them for seconds; what is young is looked at
 * more often then (docs/decisions/0037). For the rest of the program's life.
 */
export function boundYoung(): void {
  collect ??= exposed();
  setFlagsFromString('--semi-space-growth-factor=1');
  void collect({ type: 'major', flavor: 'last-resort' });
}

/** What `--expose-gc` gives, without the flag in the program's own globals. */
function exposed(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as NodeJS.GCFunction;
}
