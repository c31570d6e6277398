import { Option } from 'commander';
import { resolve } from 'node:path';
import { isOpenToOthers, readIdentityFile } from '../../operations/state.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { Cli } from '../cli.ts';

/** For commands whose point is one identity. */
export function identityOption(): Option {
  return new Option('--identity <path>', 'file of an age identity (AGE-SECRET-KEY-1…); KUBEKEEP_IDENTITY names one too');
}

export interface GivenIdentity {
  /** Absolute path. */
  readonly path: string;
  readonly identity: Secret;
}

/** The identity that was named. Throws `identity-missing`, saying what the file is instead, and `file-missing`; others being able to read it is said. */
export async function givenIdentity({ environment, progress }: Pick<Cli, 'environment' | 'progress'>, option: string | undefined): Promise<GivenIdentity> {
  const named = option ?? environment.identityFile;
  if (named === undefined) throw new KubekeepError('identity-missing', 'no identity was named', { hint: 'Give the one that you keep offline: --identity FILE.' });
  const path = resolve(named);
  const identity = await readIdentityFile(path);
  if (await isOpenToOthers(path)) progress({ type: 'note', title: `others on this computer can read ${path}`, detail: `chmod 600 ${path}` });
  return { path, identity };
}
