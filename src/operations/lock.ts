import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Clock } from '../lib/clock.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { quote } from '../hosts/quote.ts';
import { stateFolder as hostStateFolder } from '../render/paths.ts';
import type { Hosts } from './observe.ts';

const lease = 15;
const renewal = 5;
const lockFile = `${hostStateFolder}/lock`;

/**
 * The right to change a cluster: a lease on a majority of its hosts, renewed while it is held. Every script that changes a host first compares
 * the token (`lockGuard`), so that an operator who was paused beyond the lease changes nothing after another took over.
 */
export interface ClusterLock extends AsyncDisposable {
  readonly token: string;
  /** Fires with `lock-lost` when the lease could not be renewed on a majority. */
  readonly lost: AbortSignal;
}

export interface LockOptions {
  readonly user: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Takes the lock or throws `lock-held`, saying who holds it since when. A dead kubekeep of this computer is taken over at once. */
export async function takeLock(hosts: Hosts, { user, clock, signal }: LockOptions): Promise<ClusterLock> {
  const token = randomBytes(12).toString('hex');
  const owner = `${user}@${hostname()} pid ${process.pid}`;
  const machine = await machineId();
  const since = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const fields = { token, owner, machine, pid: String(process.pid), started: await startTime(process.pid), since };
  const attempt = async (takeOver: string[]) => tryAll(hosts, acquireScript(fields, takeOver), signal);

  let answers = await attempt([]);
  const dead = [...new Set((await Promise.all(answers.held.map(async (one) => ((await isDeadHere(one, machine)) ? [one.token] : [])))).flat())];
  if (dead.length > 0) answers = await attempt(dead);
  if (answers.held.length > 0 || answers.taken.length <= hosts.size / 2) {
    await tryAll(hosts, releaseScript(token), undefined);
    const [holder] = answers.held;
    if (holder) {
      throw new KubekeepError('lock-held', `${holder.owner} is working on this cluster since ${holder.since}`, { hint: `Wait for it to end. A kubekeep that died elsewhere loses its lock ${lease} s after its last sign of life.` });
    }
    throw new KubekeepError('lock-held', `the lock was taken on ${answers.taken.length} of ${hosts.size} hosts only, which is no majority`, { hint: 'Bring more hosts back, then run the command again.' });
  }
  return keep(hosts, token, clock);
}

/** A line that ends a script with 75 unless the lock is still ours. */
export function lockGuard(token: string): string {
  return `grep -q ${quote(`^${token}`)} ${lockFile} 2>/dev/null || exit 75`;
}

function keep(hosts: Hosts, token: string, clock: Clock): ClusterLock {
  const lost = new AbortController();
  const stopped = new AbortController();
  let renewedAt = clock.monotonic();
  const renewing = (async () => {
    while (!stopped.signal.aborted) {
      await clock.sleep(renewal * 1000, stopped.signal);
      const { taken } = await tryAll(hosts, renewScript(token), stopped.signal, 4000);
      if (taken.length > hosts.size / 2) renewedAt = clock.monotonic();
      else if (clock.monotonic() - renewedAt > lease * 1000) lost.abort(new KubekeepError('lock-lost', 'the lock on the cluster could not be renewed on a majority of the hosts', { hint: 'Run the command again; it goes on where this one stopped.' }));
    }
  })().catch(() => {});
  return {
    token,
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await renewing;
      await tryAll(hosts, releaseScript(token), undefined, 5000);
    },
  };
}

interface Holder {
  readonly token: string;
  readonly owner: string;
  readonly machine: string;
  readonly pid: string;
  readonly started: string;
  readonly since: string;
}

/** Runs a lock script everywhere; a host that does not answer counts for nobody. */
async function tryAll(hosts: Hosts, script: string, signal: AbortSignal | undefined, timeout = 10_000): Promise<{ taken: string[]; held: Holder[] }> {
  const answers = await parallel([...hosts.values()], async (host) => {
    try {
      return [host.name, (await host.run(script, { signal, timeout })).stdout.trim()] as const;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof KubekeepError && error.code === 'host-unreachable') return [host.name, ''] as const;
      throw error;
    }
  });
  const held = answers.filter(([, answer]) => answer.startsWith('held\t')).map(([, answer]) => {
    const [, token, owner, machine, pid, started, since] = answer.split('\t');
    return { token: token!, owner: owner!, machine: machine!, pid: pid!, started: started!, since: since! };
  });
  return { taken: answers.filter(([, answer]) => answer === 'taken').map(([name]) => name), held };
}

/** Time on the host is its time since boot, so that a wrong clock changes nothing; after a reboot a lock is void. */
const prelude = `mkdir -p -m 0755 ${hostStateFolder}; exec 9> ${lockFile}.guard; flock 9
up=$(cut -d. -f1 /proc/uptime); boot=$(cat /proc/sys/kernel/random/boot_id)
IFS='\t' read -r t owner machine pid started since until b < ${lockFile} 2>/dev/null || t=`;

function acquireScript({ token, owner, machine, pid, started, since }: Holder, takeOver: readonly string[]): string {
  const fields = [token, owner, machine, pid, started, since].map(quote).join(' ');
  return `${prelude}
if [ -n "$t" ] && [ "$b" = "$boot" ] && [ "$until" -gt "$up" ]; then case " ${takeOver.join(' ')} " in *" $t "*) ;; *) printf 'held\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$t" "$owner" "$machine" "$pid" "$started" "$since"; exit 0;; esac; fi
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' ${fields} $((up + ${lease})) "$boot" > ${lockFile}.new && mv ${lockFile}.new ${lockFile} && echo taken`;
}

function renewScript(token: string): string {
  return `${prelude}
[ "$t" = ${quote(token)} ] || exit 0
printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$t" "$owner" "$machine" "$pid" "$started" "$since" $((up + ${lease})) "$boot" > ${lockFile}.new && mv ${lockFile}.new ${lockFile} && echo taken`;
}

function releaseScript(token: string): string {
  return `${prelude}
[ "$t" = ${quote(token)} ] && rm -f ${lockFile}; echo released`;
}

async function isDeadHere({ machine, pid, started }: Holder, thisMachine: string): Promise<boolean> {
  return machine === thisMachine && (await startTime(Number(pid))) !== started;
}

/** What tells this computer from others and one boot of it from the next. */
async function machineId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

/** Start time of a process in clock ticks, so that a reused pid is not mistaken for the old process; '' where there is none. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
