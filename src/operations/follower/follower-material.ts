import { readFile } from 'node:fs/promises';
import { writerKeysToText } from '../../backup/repository-keys.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import type { OwnProgram } from '../../programs/own-program.ts';
import type { Platform } from '../../programs/program.ts';
import type { FollowerInput } from '../../render/design.ts';
import { hostWriters, type HostWriters } from '../backup/host-writers.ts';
import type { Operation } from '../operation.ts';
import { ownProgramMaterial } from '../own-program-input.ts';
import type { OpenedSecrets } from '../state.ts';

/** What it takes to say what hosts that follow should have. */
export interface FollowerMaterial {
  readonly program: Pick<OwnProgram, 'digest'>;
  readonly platform: Platform;
  readonly writers: HostWriters;
  /** Of a host. */
  input(host: string): FollowerInput;
}

/** Undefined where the cluster file does not want it, or where there is no repository yet. Throws `file-missing` where a file that the cluster file names cannot be used. */
export async function followerMaterial({ cluster: { backup }, state, follower }: Pick<Operation, 'cluster' | 'state' | 'follower'>, { identity }: Pick<OpenedSecrets, 'identity'>): Promise<FollowerMaterial | undefined> {
  if (backup?.follow !== 'hosts' || !follower) return undefined;
  const writers = await hostWriters(state, identity);
  if (!writers) return undefined;
  const { ca, hostCredentials } = backup.s3 ?? {};
  const [program, s3Ca, login] = await Promise.all([follower.program(), textOf('ca', ca), textOf('hostCredentials', hostCredentials)]);
  if (login !== undefined && !/^\s*\[default\]\s*$/m.test(login)) throw new KubekeepError('file-missing', `${hostCredentials}, spec.backup.s3.hostCredentials of the cluster file, has no [default]`, { hint: 'It wants the lines [default], aws_access_key_id = … and aws_secret_access_key = ….' });
  const shared = { ...ownProgramMaterial(program).input, s3Ca, s3Login: login === undefined ? undefined : new Secret(login) };
  return { program, platform: program.platform, writers, input: (host) => ({ ...shared, writer: new Secret(writerKeysToText(writers.of(host))) }) };
}

async function textOf(field: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path}, spec.backup.s3.${field} of the cluster file, cannot be read (${error.code})`, { hint: 'Correct the path.' });
  });
}
