import { expectSuccess } from '../../hosts/local.ts';
import { toKubekeepError } from '../../lib/errors.ts';
import { lockGuard, takeLock, type ClusterLock } from '../../operations/lock.ts';
import type { Hosts } from '../../operations/observe.ts';
import type { Verdict } from '../history/verdict.ts';
import type { Stage } from '../stage.ts';

const file = '/run/kubekeep-mutant-step';
const promise = 'What an operator had begun before it was paused changes nothing once another one has the lock.';

/**
 * C-fence: an operator takes the lock and is paused with a step on its way to a host; another one takes over when the lease is over and does its own step; then the
 * first one's arrives. `hostsOfFirst` are the hosts as the first one reaches them. Throws what taking the lock throws.
 */
export async function pausedOperator({ operation }: Stage, hostsOfFirst: (hosts: Hosts) => Hosts): Promise<Verdict> {
  const { hosts, cluster } = operation;
  const { name } = cluster.hosts[0]!;
  const pause = Promise.withResolvers<void>();
  let paused = false;
  const gated: Hosts = new Map([...hostsOfFirst(hosts)].map(([one, host]) => [one, { ...host, run: async (...words: Parameters<typeof host.run>) => {
    if (paused) await pause.promise;
    return host.run(...words);
  } }]));
  const first = await takeLock(gated, operation);
  paused = true;
  const late = gated.get(name)!.run(stepOf(first, 'first'));
  try {
    await using second = await takeOver(operation);
    expectSuccess(await hosts.get(name)!.run(stepOf(second, 'second')), 'the step of the second operator');
    pause.resolve();
    await late;
    const { stdout } = await hosts.get(name)!.run(`cat ${file}; rm -f ${file}`);
    const kept = stdout.trim() === 'second';
    return { guarantee: 'C-fence', state: kept ? 'held' : 'broken', promise, found: `the ${stdout.trim()} operator's step is in force`, breaches: kept ? [] : [`on ${name} a step of the first operator took effect after the second one's`] };
  } finally {
    pause.resolve();
    await first[Symbol.asyncDispose]();
  }
}

function stepOf({ token }: ClusterLock, who: string): string {
  return `${lockGuard(token)}\necho ${who} > ${file}`;
}

/** The lease of the paused one has to run out first. */
async function takeOver({ hosts, clock, signal, user }: Stage['operation']): Promise<ClusterLock> {
  for (let turn = 0; ; turn++) {
    try {
      return await takeLock(hosts, { user, clock, signal });
    } catch (caught) {
      if (turn === 20 || toKubekeepError(caught).code !== 'lock-held') throw caught;
      await clock.sleep(2000, signal);
    }
  }
}
