import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubekeepError } from '../lib/errors.ts';
import { isMounted } from './_mounts.ts';
import { kill } from './_processes.ts';
import { attempt } from './_tool.ts';

/** The part of a machine's disk that can be frozen. */
export interface Platter {
  readonly machineId: string;
  /** Where it is mounted. */
  readonly platter: string;
}

export interface Stall {
  /** ms for which it stands still, again and again. */
  readonly still: number;
  /** ms in between. */
  readonly between: number;
  /** Seconds after which it ends by itself, whatever became of kubekeep. */
  readonly seconds: number;
}

/**
 * Freezes a platter again and again. Two processes that outlive kubekeep see to it that it is thawed: one freezes and thaws, the other was there before it and
 * thaws when that one ended, however it ended, or when the time is over. Resolves when the platter is frozen for the first time. Throws `lab-failed`.
 */
export async function startStall({ machineId, platter }: Platter, { still, between, seconds }: Stall): Promise<void> {
  const args = ['-e', watchdog, mark(machineId), platter, String(still / 1000), String(between / 1000), String(seconds)];
  const child = spawn('perl', args, { detached: true, cwd: '/', stdio: ['ignore', 'pipe', 'ignore'] });
  const said = once(child.stdout, 'data').then(([data]) => String(data), () => '');
  const ended = new Promise<string>((resolve) => child.once('error', (error) => resolve(error.message)).once('close', () => resolve('it ended at once')));
  const first = await Promise.race([said, ended]);
  child.stdout.destroy();
  child.unref();
  if (first !== 'frozen\n') throw new KubekeepError('lab-failed', `the disk of machine ${machineId} could not be made to stand still: ${first.trim()}`);
}

/** Ends every stall of a platter and thaws it. Nothing happens where it is not frozen or not mounted. Throws `lab-failed`. */
export async function thaw({ machineId, platter }: Platter): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const pids = await findStalls(machineId);
    if (pids.length === 0) break;
    if (turn > 500) throw new KubekeepError('lab-failed', `the process that freezes the disk of machine ${machineId} cannot be ended`);
    for (const pid of pids) kill(pid, turn < 100 ? 'SIGTERM' : 'SIGKILL');
    await sleep(20);
    // One that waits to freeze ends only afterwards; who is killed leaves it frozen.
    if (turn >= 100) await unfreeze(platter);
  }
  if (await isMounted(platter)) await unfreeze(platter);
}

/** Fails where it is not frozen, which is as good. */
async function unfreeze(platter: string): Promise<void> {
  await attempt('fsfreeze', ['--unfreeze', platter]);
}

async function findStalls(machineId: string): Promise<number[]> {
  return (await readStalls()).filter((one) => one.machineId === machineId).map(({ pid }) => pid);
}

async function readStalls(): Promise<{ readonly pid: number; readonly machineId: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => {
    const [program, , , machine] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const machineId = program === 'perl' && /^kubekeep-stall-(\w+)$/.exec(machine ?? '')?.[1];
    return machineId ? [{ pid, machineId }] : [];
  }));
  return found.flat();
}

function mark(machineId: string): string {
  return `kubekeep-stall-${machineId}`;
}

/** The numbers are FIFREEZE and FITHAW. A process that was told to end, or whose other half ended, leaves the platter thawed. */
const watchdog = `
my (undef, $platter, $still, $between, $life) = @ARGV;
$| = 1;
open my $disk, "<", $platter or do { print "$!\\n"; exit 1 };
my $end = time + $life;
my $done = 0;
$SIG{TERM} = sub { $done = 1 };
my $freezer = fork;
defined $freezer or do { print "$!\\n"; exit 1 };
if ($freezer == 0) {
  $SIG{TERM} = "DEFAULT";
  my $first = 1;
  while (time < $end) {
    ioctl $disk, 0xC0045877, 0 or do { print "$!\\n" if $first; exit 1 };
    if ($first) { $first = 0; print "frozen\\n"; close STDOUT }
    select undef, undef, undef, $still;
    ioctl $disk, 0xC0045878, 0;
    select undef, undef, undef, $between;
  }
  exit 0;
}
close STDOUT;
select undef, undef, undef, 0.02 until $done or time > $end or waitpid($freezer, 1) != 0;
kill "KILL", $freezer;
waitpid $freezer, 0;
ioctl $disk, 0xC0045878, 0;
`;
