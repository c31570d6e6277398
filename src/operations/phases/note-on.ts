import type { HostSpec } from '../../cluster/cluster.ts';
import type { RunResult } from '../../hosts/host.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { quote } from '../../hosts/quote.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { restoredNote, stateFolder } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';
import { stepExit } from '../step-script.ts';
import type { Work } from './work.ts';

/** What a host is told to remember, each in a file with the time: its etcd member votes in the cluster; the cluster was built to its end. */
export type Note = 'formed' | 'completed';

/** Writes notes durably, keeping the time of one that is there; and which restore etcd's data came from, where it is known. Throws `lock-lost`. Without notes it only asks whether the lock is still ours. */
export async function noteOn(work: Work, { name }: HostSpec, notes: readonly Note[], restored?: string): Promise<void> {
  const paths = notes.map((note) => `${stateFolder}/${note}`);
  const lines = [lockGuard(work.token), ...paths.map((path) => `[ -s ${path} ] || { date -u +%FT%TZ > ${path} && sync ${path} ${stateFolder}; } || exit 1`), ...(restored === undefined ? [] : [`echo ${quote(restored)} > ${restoredNote} && sync ${restoredNote} ${stateFolder} || exit 1`])];
  await runOn(work, name, lines.join('\n'), { what: notes.length > 0 ? `noting ${notes.join(' and ')}` : 'asking for the lock' });
}

/** Runs a script that begins with `lockGuard`. Throws `lock-lost`, `command-failed`; `timeout` in ms. */
export async function runOn({ hosts }: Pick<Work, 'hosts'>, name: string, script: string, { what, timeout = 120_000 }: { readonly what: string; readonly timeout?: number }): Promise<RunResult> {
  const result = await hosts.get(name)!.run(script, { timeout });
  if (result.exitCode === stepExit.lockLost) throw lockLost(name);
  return expectSuccess(result, what);
}

export function lockLost(host: string): KubekeepError {
  return new KubekeepError('lock-lost', `${host}: the lock is not ours any more; this step was not performed`, { hint: 'Run kubekeep plan to see where the cluster stands.' });
}
