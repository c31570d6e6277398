import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostSpec } from '../cluster/cluster.ts';
import { fingerprint, scanHostKey } from '../hosts/scan-host-key.ts';
import { readTrustedKeys, writeTrustedKeys } from '../hosts/trusted-keys.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import type { Operation } from './operation.ts';
import type { StateFolder } from './state.ts';

export const hostKeyStates = ['new', 'trusted', 'changed', 'given in the cluster file', 'not as in the cluster file', 'no answer'] as const;
export type HostKeyState = (typeof hostKeyStates)[number];

/** What a host showed as its key, and how that fits what is known. */
export interface ShownKey {
  readonly host: string;
  /** Where it was asked, "address:port". */
  readonly at: string;
  readonly state: HostKeyState;
  /** "ssh-ed25519 AAAA…"; undefined where it did not answer. */
  readonly key?: string;
  /** "SHA256:…" of what it showed. */
  readonly fingerprint?: string;
  /** "SHA256:…" of what is known of it and differs. */
  readonly before?: string;
  /** Why there was no answer. */
  readonly reason?: string;
}

/** Asks every host for its key. Changes nothing; a host that does not answer is a state, not an error. */
export async function showHostKeys({ cluster, state, signal }: Pick<Operation, 'cluster' | 'state' | 'signal'>): Promise<ShownKey[]> {
  const trusted = await readTrustedKeys(state.knownHosts);
  return parallel(cluster.hosts, async (spec) => {
    const about = { host: spec.name, at: `${spec.ssh.address}:${spec.ssh.port}` };
    try {
      const key = await scanHostKey({ name: spec.name, ...spec.ssh }, { patience: 5, signal });
      return { ...about, key, fingerprint: fingerprint(key), ...compare(key, spec, trusted.get(spec.name)) };
    } catch (caught) {
      signal.throwIfAborted();
      if (!(caught instanceof KubekeepError) || caught.code === 'tool-missing') throw caught;
      return { ...about, state: 'no answer', reason: caught.message };
    }
  });
}

/** Remembers the keys that are new or changed; the caller has asked a person. Returns the hosts whose keys were written. */
export async function trustKeys(state: StateFolder, keys: readonly ShownKey[]): Promise<string[]> {
  const wanted = keys.filter((one) => one.state === 'new' || one.state === 'changed');
  if (wanted.length === 0) return [];
  await mkdir(state.path, { recursive: true, mode: 0o700 });
  await writeFile(join(state.path, '..', '.gitignore'), '*\n', { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await writeTrustedKeys(state.knownHosts, new Map(wanted.map(({ host, key }) => [host, key!])));
  return wanted.map(({ host }) => host);
}

function compare(key: string, { ssh }: HostSpec, trusted: string | undefined): Pick<ShownKey, 'state' | 'before'> {
  const isSame = (known: string) => known.split(' ').slice(0, 2).join(' ') === key;
  if (ssh.hostKey !== undefined) return isSame(ssh.hostKey) ? { state: 'given in the cluster file' } : { state: 'not as in the cluster file', before: fingerprint(ssh.hostKey) };
  if (trusted === undefined) return { state: 'new' };
  return isSame(trusted) ? { state: 'trusted' } : { state: 'changed', before: fingerprint(trusted) };
}
