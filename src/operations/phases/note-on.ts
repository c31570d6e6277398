import type { HostSpec } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { stateFolder } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';
import { stepExit } from '../step-script.ts';
import type { Work } from './work.ts';

/** What a host is told to remember, each in a file with the time: its etcd member votes in the cluster; the cluster was built to its end. */
export type Note = 'formed' | 'completed';

/** Writes notes durably, keeping the time of one that is there. Throws `lock-lost`. Without notes it only asks whether the lock is still ours. */
export async function noteOn({ hosts, token }: Work, { name }: HostSpec, notes: readonly Note[]): Promise<void> {
  const paths = notes.map((note) => `${stateFolder}/${note}`);
  const lines = [lockGuard(token), ...paths.map((path) => `[ -s ${path} ] || { date -u +%FT%TZ > ${path} && sync ${path} ${stateFolder}; } || exit 1`)];
  const result = await hosts.get(name)!.run(lines.join('\n'), { timeout: 120_000 });
  if (result.exitCode === stepExit.lockLost) throw lockLost(name);
  expectSuccess(result, notes.length > 0 ? `noting ${notes.join(' and ')}` : 'asking for the lock');
}

export function lockLost(host: string): KubekeepError {
  return new KubekeepError('lock-lost', `${host}: the lock is not ours any more; this step was not performed`, { hint: 'Run kubekeep plan to see where the cluster stands.' });
}
