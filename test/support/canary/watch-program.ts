/**
 * A program of its own that notes the arguments and the environment of every process of this computer, those in machines too. At the end it is given
 * canaries on standard input, one JSON document, and prints where it saw them; what it noted never leaves its memory.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { seenIn, type Canary } from './canaries.ts';

/** Milliseconds between two looks. */
const interval = 12;
/** A young process is read at every look, since it may become another program; an old one once in this many looks. */
const young = 60;

const notes = new Map<string, string>();
const ages = new Map<string, number>();
let looks = 0;

const timer = setInterval(look, interval);
process.stdout.write('watching\n');

let input = '';
process.stdin.setEncoding('utf8').on('data', (text: string) => (input += text));
process.stdin.on('end', () => {
  clearInterval(timer);
  const canaries = JSON.parse(input) as readonly Canary[];
  const seen = [...notes].flatMap(([text, where]) => seenIn(text, canaries).map((name) => `${where}: ${name}`));
  process.stdout.write(`${JSON.stringify({ seen: [...new Set(seen)], looks, processes: [...notes.values()].filter((where) => where.startsWith('arguments')).length })}\n`);
});

function look(): void {
  looks += 1;
  const running = new Set<string>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d/.test(pid)) continue;
    running.add(pid);
    const age = ages.get(pid) ?? 0;
    ages.set(pid, age + 1);
    if (age < young || (age + Number(pid)) % young === 0) note(pid);
  }
  for (const pid of ages.keys()) if (!running.has(pid)) ages.delete(pid);
}

function note(pid: string): void {
  for (const [file, what] of [['cmdline', 'arguments'], ['environ', 'environment']] as const) {
    const text = read(`/proc/${pid}/${file}`);
    if (text === '' || notes.has(text)) continue;
    notes.set(text, `${what} of ${read(`/proc/${pid}/comm`).trim()}`);
  }
}

/** Empty where the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
