import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../lib/clock.ts';
import { readPlanLine } from './probe-plan.ts';
import { startProber } from './prober.ts';
import type { Prober } from './prober.ts';

/**
 * The prober as a process of its own. Standard input: the plan in one line, then "now" for its time or "stop"; when it closes, that is "stop" too.
 * Standard output: a record a line, and {"now":MS} for each "now".
 */
let prober: Prober | undefined;
// Not process.stdout, which would hold us up where the reader is busy.
const output = createWriteStream('', { fd: 1, autoClose: false });
const tell = (what: object) => output.write(`${JSON.stringify(what)}\n`);
const commands = createInterface({ input: process.stdin });

commands.on('line', (line) => {
  if (!prober) prober = startProber(readPlanLine(line), { clock: systemClock, onRecord: tell });
  else if (line === 'now') tell({ now: prober.now() });
  else if (line === 'stop') commands.close();
});

commands.once('close', () => void finish());

async function finish(): Promise<void> {
  process.stdin.destroy();
  await prober?.stop();
  // All is written; what a dead connection has left open must not hold up the end.
  // oxlint-disable-next-line unicorn/no-process-exit
  output.end(() => process.exit(0));
}
