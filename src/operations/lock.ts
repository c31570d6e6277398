import { randomBytes, randomInt } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Cluster } from '../cluster/cluster.ts';
import type { Clock } from '../lib/clock.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { quote } from '../hosts/quote.ts';
import { stateFolder as hostStateFolder } from '../render/paths.ts';
import type { Hosts } from './observe.ts';

/** Seconds. */
const lease = 15;
const renewal = 5;
/** How long a taker waits for a step of an earlier run that still runs on a host. */
const patience = 90;
const lockFile = `${hostStateFolder}/lock`;
const stepLock = `${hostStateFolder}/lock.step`;

/**
 * The right to change a cluster: a lease on a majority of its hosts without the workers, renewed while it is held. Every script that changes a host first compares
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
  /** Its workers get the lock, so that their scripts can compare it, and have no say in who has it: many of them may be down. */
  readonly cluster?: Pick<Cluster, 'hosts'> | undefined;
}

/**
 * Takes the lock, waiting for a step that an earlier run left running. A dead kubekeep of this computer is taken over at once. Throws `lock-held`,
 * saying who holds it since when, or `host-unreachable` where no majority of the hosts answers.
 */
export async function takeLock(hosts: Hosts, { user, clock, signal, cluster }: LockOptions): Promise<ClusterLock> {
  const self = await describeSelf(user, clock);
  const workers = cluster?.hosts.filter(({ roles }) => roles.includes('worker')).map(({ name }) => name) ?? [];
  const voters = [...hosts.keys()].filter((name) => !workers.includes(name));
  try {
    for (let turn = 0; ; turn += 1) {
      const answers = await claim(hosts, self, signal);
      const verdict = judgeClaim(answers, voters);
      // A host that is down is not asked again and again; those that gave the lock are a majority without it.
      if (verdict === 'ours') return keep(new Map([...hosts].filter(([name]) => answers.taken.includes(name))), voters, self.token, clock);
      if (verdict === 'theirs' || turn === 20) throw refusal(answers, voters);
      // Somebody else is taking it at this moment. Who has no majority lets go and tries again a little later, each after another time.
      if (verdict === 'nobody') await release(hosts, self.token);
      await clock.sleep(verdict === 'nobody' ? randomInt(100, 700) : 200, signal);
    }
  } catch (error) {
    await release(hosts, self.token);
    throw error;
  }
}

/**
 * Lines that end a script with 75 unless the lock is still ours. They wait until no other step runs on the host: one that was left behind by a
 * kubekeep that died ends first.
 */
export function lockGuard(token: string): string {
  return `[ -d ${hostStateFolder} ] || exit 75
exec 8> ${stepLock}; flock -w ${patience} 8 || exit 75
grep -q ${quote(`^${token}`)} ${lockFile} 2>/dev/null || exit 75`;
}

interface Holder {
  readonly token: string;
  readonly owner: string;
  readonly machine: string;
  readonly pid: string;
  readonly started: string;
  readonly since: string;
}

interface Answers {
  /** Names of the hosts that gave it to us. */
  readonly taken: readonly string[];
  readonly held: readonly (Holder & { readonly host: string })[];
  /** Names of the hosts where a step of an earlier run does not end. */
  readonly busy: readonly string[];
  readonly silent: readonly string[];
}

/** Claims the lock on every host; where a kubekeep of this computer holds it that is dead, its place is taken. */
async function claim(hosts: Hosts, self: Holder, signal: AbortSignal): Promise<Answers> {
  const answers = await askAll(hosts, claimScript(self, []), { signal, timeout: (patience + 20) * 1000 });
  const dead = (await Promise.all(answers.held.map(async (one) => ((await isDeadHere(one, self.machine)) ? [one.token] : [])))).flat();
  return dead.length === 0 ? answers : askAll(hosts, claimScript(self, [...new Set(dead)]), { signal, timeout: (patience + 20) * 1000 });
}

/** `ours almost`: we have the majority, and somebody who cannot get it has not let go yet. */
function judgeClaim({ taken, held, busy, silent }: Answers, voters: readonly string[]): 'ours' | 'ours almost' | 'theirs' | 'nobody' {
  const votes = (names: readonly string[]) => names.filter((name) => voters.includes(name)).length;
  const majority = majorityOf(voters);
  if (busy.length > 0) return 'theirs';
  if (votes(taken) >= majority) return held.length === 0 ? 'ours' : 'ours almost';
  const strongest = Math.max(0, ...Map.groupBy(held, ({ token }) => token).values().map((list) => votes(list.map(({ host }) => host))));
  // A host that does not answer may be theirs.
  return held.length === 0 || strongest + votes(silent) >= majority ? 'theirs' : 'nobody';
}

function refusal({ held, busy, silent, taken }: Answers, voters: readonly string[]): KubekeepError {
  const [holder] = held;
  if (holder) {
    return new KubekeepError('lock-held', `${holder.owner} is working on this cluster since ${holder.since}`, { hint: `Wait for it to end. A kubekeep that died elsewhere loses its lock ${lease} s after its last sign of life.` });
  }
  if (busy.length > 0) return new KubekeepError('lock-held', `a step of an earlier run is still running on ${busy.join(', ')}`, { hint: 'Wait for it to end, then run the command again.' });
  return new KubekeepError('host-unreachable', `the lock needs a majority of the ${voters.length} hosts, and ${taken.filter((name) => voters.includes(name)).length} answered: not ${silent.filter((name) => voters.includes(name)).join(', ')}`, { hint: 'Bring more hosts back, then run the command again.' });
}

function majorityOf(voters: readonly string[]): number {
  return Math.floor(voters.length / 2) + 1;
}

function keep(hosts: Hosts, voters: readonly string[], token: string, clock: Clock): ClusterLock {
  const lost = new AbortController();
  const stopped = new AbortController();
  const renewing = renewForever().catch(() => {});
  return {
    token,
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await renewing;
      await release(hosts, token);
    },
  };

  async function renewForever(): Promise<void> {
    let renewedAt = clock.monotonic();
    for (let pause = renewal; ; ) {
      await clock.sleep(pause * 1000, stopped.signal);
      const before = clock.monotonic();
      // Whatever goes wrong with a host, it is one that has not renewed.
      const renewed = await askAll(hosts, renewScript(token), { signal: stopped.signal, timeout: 4000 }).then(({ taken }) => taken.filter((name) => voters.includes(name)).length, () => 0);
      stopped.signal.throwIfAborted();
      if (renewed >= majorityOf(voters)) renewedAt = before;
      else if (clock.monotonic() - renewedAt > lease * 1000) {
        return lost.abort(new KubekeepError('lock-lost', 'the lock on the cluster could not be renewed on a majority of the hosts', { hint: 'Run the command again; it goes on where this one stopped.' }));
      }
      pause = renewedAt === before ? renewal : 1;
    }
  }
}

async function release(hosts: Hosts, token: string): Promise<void> {
  await askAll(hosts, releaseScript(token), { timeout: 5000 }).catch(() => {});
}

/** Runs a lock script everywhere; a host that does not answer counts for nobody. */
async function askAll(hosts: Hosts, script: string, options: { signal?: AbortSignal; timeout: number }): Promise<Answers> {
  const answers = await parallel([...hosts], async ([name, host]) => {
    try {
      return [name, (await host.run(script, options)).stdout.trim()] as const;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof KubekeepError && error.code === 'host-unreachable') return [name, ''] as const;
      throw error;
    }
  });
  const held = answers.filter(([, answer]) => answer.startsWith('held\t')).map(([host, answer]) => {
    const [, token = '', owner = '', machine = '', pid = '', started = '', since = ''] = answer.split('\t');
    return { host, token, owner, machine, pid, started, since };
  });
  const names = (wanted: string) => answers.filter(([, answer]) => answer === wanted).map(([name]) => name);
  return { taken: names('taken'), busy: names('busy'), silent: names(''), held };
}

/** Time on the host is its time since boot, so that a wrong clock changes nothing; after a reboot a lock is void. */
const prelude = `mkdir -p -m 0755 ${hostStateFolder}; exec 9> ${lockFile}.guard; flock 9
up=$(cut -d. -f1 /proc/uptime); boot=$(cat /proc/sys/kernel/random/boot_id)
IFS='\t' read -r t owner machine pid started since until b < ${lockFile} 2>/dev/null || t=
note() { printf '%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$t" "$owner" "$machine" "$pid" "$started" "$since" $(($(cut -d. -f1 /proc/uptime) + ${lease})) "$boot" > ${lockFile}.new && mv -f ${lockFile}.new ${lockFile}; }`;

/** Notes itself first, so that the one before can begin no further step, then waits for the end of a step that runs. */
function claimScript({ token, owner, machine, pid, started, since }: Holder, takeOver: readonly string[]): string {
  return `${prelude}
if [ -n "$t" ] && [ "$b" = "$boot" ] && [ "$until" -gt "$up" ]; then case " ${[token, ...takeOver].join(' ')} " in *" $t "*) ;; *) printf 'held\\t%s\\t%s\\t%s\\t%s\\t%s\\t%s\\n' "$t" "$owner" "$machine" "$pid" "$started" "$since"; exit 0;; esac; fi
t=${quote(token)} owner=${quote(owner)} machine=${quote(machine)} pid=${quote(pid)} started=${quote(started)} since=${quote(since)}
note || exit 1
exec 8> ${stepLock}; flock -w ${patience} 8 || { rm -f ${lockFile}; echo busy; exit 0; }
note && echo taken`;
}

function renewScript(token: string): string {
  return `${prelude}
[ "$t" = ${quote(token)} ] || exit 0
note && echo taken`;
}

function releaseScript(token: string): string {
  return `${prelude}
[ "$t" = ${quote(token)} ] && rm -f ${lockFile}; echo released`;
}

async function describeSelf(user: string, clock: Clock): Promise<Holder> {
  return {
    token: randomBytes(12).toString('hex'),
    owner: `${user}@${hostname()} pid ${process.pid}`,
    machine: await thisMachine(),
    pid: String(process.pid),
    started: (await startTime(process.pid)) ?? '0',
    since: new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
}

async function isDeadHere({ machine, pid, started }: Holder, here: string): Promise<boolean> {
  return machine === here && (await startTime(Number(pid))) !== started;
}

/** One boot of this computer, and the container that we are in: only there does a process id mean the same process. */
async function thisMachine(): Promise<string> {
  const [boot, namespace] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readlink('/proc/self/ns/pid').catch(() => 'pid')]);
  return `${boot.trim()}/${namespace}`;
}

/** Start time of a process in clock ticks, so that a reused pid is not mistaken for the old process; undefined where it is gone or a zombie. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}
