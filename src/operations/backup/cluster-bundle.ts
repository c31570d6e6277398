import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ownerKeysFromText, ownerKeysToText, type OwnerKeys } from '../../backup/repository-keys.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { bundleFromJson, bundleToJson } from '../../pki/secrets-text.ts';
import type { ClusterSecrets } from '../../pki/secrets.ts';
import { encryptionConfig } from '../../render/kube-apiserver.ts';
import type { OpenedSecrets, StateFolder } from '../state.ts';

const format = 'kubekeep.bundle/v1';

const schema = z.object({
  format: z.literal(format),
  cluster: z.string(),
  versions: z.object({ kubernetes: z.string(), etcd: z.string() }),
  /** Text of the cluster file. */
  clusterFile: z.string().optional(),
  /** The SSH host keys that were trusted. */
  knownHosts: z.string().optional(),
  /** As the API servers read it: for who has no kubekeep. */
  encryptionConfiguration: z.string(),
  secrets: z.string(),
  /** The same as the hosts have it: for the operator's own identity. */
  sealed: z.string(),
  repositoryKeys: z.string(),
});

/** What lies beside the data: all that it takes to run the cluster, and to write its repository, on other machines. Open in memory only. */
export interface ClusterBundle extends Pick<z.output<typeof schema>, 'cluster' | 'versions' | 'clusterFile' | 'knownHosts' | 'sealed'> {
  readonly secrets: ClusterSecrets;
  readonly keys: OwnerKeys;
}

export interface BundleSource {
  readonly cluster: Cluster;
  /** Path of the cluster file. */
  readonly file?: string | undefined;
  readonly state: Pick<StateFolder, 'knownHosts'>;
}

/** The bundle as it is now, to be sealed. The same state gives the same bytes. */
export async function bundleOf({ cluster, file, state }: BundleSource, { secrets, sealed }: Pick<OpenedSecrets, 'secrets' | 'sealed'>, keys: OwnerKeys): Promise<Uint8Array> {
  const document: z.input<typeof schema> = {
    format,
    cluster: cluster.name,
    versions: { kubernetes: cluster.kubernetes.version, etcd: cluster.etcd.version },
    clusterFile: file && (await textOf(file)),
    knownHosts: await textOf(state.knownHosts),
    encryptionConfiguration: encryptionConfig(secrets.encryptionKey).reveal(),
    secrets: bundleToJson(secrets),
    sealed,
    repositoryKeys: ownerKeysToText(keys),
  };
  return Buffer.from(JSON.stringify(document));
}

/** Reads what `bundleOf` wrote. Throws `state-broken`, naming the field and never its value. */
export function readBundleText(text: Secret): ClusterBundle {
  const read = schema.safeParse(parsed(text));
  if (!read.success) throw broken(`field ${read.error.issues[0]!.path.join('.') || '(whole text)'} is not as expected`);
  const { secrets, repositoryKeys, cluster, versions, clusterFile, knownHosts, sealed } = read.data;
  return { cluster, versions, clusterFile, knownHosts, sealed, secrets: bundleFromJson(secrets), keys: keysFrom(repositoryKeys) };
}

function keysFrom(text: string): OwnerKeys {
  try {
    return ownerKeysFromText(text);
  } catch {
    throw broken("the repository's keys cannot be read");
  }
}

function parsed(text: Secret): unknown {
  try {
    return JSON.parse(text.reveal());
  } catch {
    // Node's error quotes the text, which is secret.
    throw broken('it is not JSON');
  }
}

function broken(why: string): KubekeepError {
  return new KubekeepError('state-broken', `the sealed bundle cannot be used: ${why}`);
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new KubekeepError('file-missing', `${path} cannot be read: ${error.message}`, { cause: error });
  });
}
