import { readdirSync, readFileSync } from 'node:fs';
import { startProgram } from '../../hosts/child-process.ts';
import { seenIn, type Needle } from './needles.ts';

export interface OwnProcesses {
  /** "arguments of sh: the CA etcd", each once, and how often it looked. */
  stop(): Promise<{ readonly found: readonly string[]; readonly looks: number; readonly sawMark: boolean }>;
}

/** ms between two looks, and in how many looks an old process is read once: it may have become another program. */
const interval = 250;
const young = 20;

/** Watches the arguments and environments of all processes of this computer. One of them is started to be found: it has `mark` among its arguments. */
export function watchOwnProcesses(needles: readonly Needle[], mark: string): OwnProcesses {
  const toBeFound = startProgram('sh', ['-c', 'read line', mark], { onLine() {} });
  const known = new Set<string>();
  const found = new Set<string>();
  const ages = new Map<string, number>();
  let looks = 0;
  let sawMark = false;
  const note = (pid: string) => {
    for (const [file, what] of [['cmdline', 'arguments'], ['environ', 'environment']] as const) {
      const text = read(`/proc/${pid}/${file}`);
      if (text === '' || known.has(text)) continue;
      known.add(text);
      sawMark ||= text.includes(mark);
      for (const name of seenIn(text, needles)) found.add(`${what} of ${read(`/proc/${pid}/comm`).trim()}: ${name}`);
    }
  };
  const look = () => {
    looks++;
    const pids = readdirSync('/proc').filter((name) => /^\d/.test(name));
    for (const pid of pids) {
      const age = (ages.get(pid) ?? 0) + 1;
      ages.set(pid, age);
      if (age < young || (age + Number(pid)) % young === 0) note(pid);
    }
    for (const pid of ages.keys()) if (!pids.includes(pid)) ages.delete(pid);
  };
  const timer = setInterval(look, interval);
  return {
    async stop() {
      clearInterval(timer);
      look();
      await toBeFound.end(2000).catch(() => {});
      return { found: [...found], looks, sawMark };
    },
  };
}

/** Empty where the process has ended or is somebody else's. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
