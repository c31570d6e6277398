import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderStore } from '../backup/store/folder-store.ts';
import { limitedStore } from '../backup/store/limited-store.ts';
import { retryingStore } from '../backup/store/retrying-store.ts';
import type { S3Place } from '../backup/store/s3-place.ts';
import { s3Store } from '../backup/store/s3-store.ts';
import type { Store } from '../backup/store/store.ts';
import type { BackedUpCluster, BackupSpec, Cluster } from '../cluster/cluster.ts';
import type { Host } from '../hosts/host.ts';
import { sshHost } from '../hosts/ssh.ts';
import { KubekeepError } from '../lib/errors.ts';
import type { BackupOperation, ReadOperation } from '../operations/backup/backup-operation.ts';
import { builtEtcd } from '../operations/backup/built-etcd.ts';
import { externalEtcd } from '../operations/backup/external-etcd.ts';
import type { Operation } from '../operations/operation.ts';
import { stateFolder, type StateFolder } from '../operations/state.ts';
import { findOwnProgram, type OwnProgram } from '../programs/own-program.ts';
import { fetchPrograms } from '../programs/fetch-programs.ts';
import type { Cli } from './cli.ts';
import { readAnyClusterFile, readClusterFile } from './cluster-file.ts';

export interface WireOptions {
  /** Path of the cluster file. */
  readonly file: string;
  /** Seconds to wait for a host's SSH. */
  readonly connectTimeout?: number;
  readonly trustFirst?: boolean;
  /** Folder with the state folder; default: that of the cluster file. */
  readonly stateIn?: string | undefined;
}

type Wired = Pick<Cli, 'environment' | 'clock' | 'signal' | 'progress' | 'confirm'>;

/** An operation on the cluster of a file. Ends its connections when disposed. */
export async function openOperation(cli: Wired, { file, ...options }: WireOptions): Promise<Operation & AsyncDisposable> {
  const { cluster, directory, file: path } = await readClusterFile(file);
  return { ...operationOn(cli, cluster, stateFolder(directory, cluster.name), options), file: path };
}

/** The same for commands that also work with a cluster that somebody else built. */
export async function openBackupOperation(cli: Wired, { file, stateIn, ...options }: WireOptions): Promise<BackupOperation & AsyncDisposable> {
  const { cluster, directory, file: path } = await readAnyClusterFile(file);
  const state = stateFolder(stateIn ?? directory, cluster.name);
  if ('external' in cluster) {
    const operation = { ...common(cli, cluster, state), cluster };
    return { ...operation, source: externalEtcd(operation), [Symbol.asyncDispose]: async () => {} };
  }
  const operation = { ...operationOn(cli, cluster, state, options), file: path };
  return { ...operation, source: builtEtcd(operation) };
}

/** The only place where hosts, state and programs are put together. */
export function operationOn(cli: Wired, cluster: Cluster, state: StateFolder, { connectTimeout = 10, trustFirst }: Omit<WireOptions, 'file' | 'stateIn'>): Operation & AsyncDisposable {
  const hosts = connectHosts(cluster, { folder: join(cli.environment.runtimeFolder, 'ssh'), knownHosts: state.knownHosts, connectTimeout });
  return {
    ...common(cli, cluster, state, trustFirst),
    cluster,
    hosts,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...hosts.values()].map((host) => host.close()));
    },
  };
}

/** Of this package, whether its source runs or what was built of it. */
const packageFolder = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What does not depend on who built the cluster. */
function common({ environment, clock, signal, progress, ...cli }: Wired, cluster: BackedUpCluster, state: StateFolder, trustFirst?: boolean): Omit<Operation, 'cluster' | 'hosts'> {
  let ownProgram: Promise<OwnProgram> | undefined;
  const fetchOptions = { source: cluster.programs, cacheFolder: environment.cacheFolder, progress, clock, signal, trustFirst, confirm: environment.interactive ? cli.confirm : undefined };
  return {
    state,
    identityFile: environment.identityFile,
    user: environment.user,
    clock,
    signal,
    progress,
    follower: { program: () => (ownProgram ??= findOwnProgram(packageFolder, environment.cacheFolder)), store: () => storeOf({ cluster, clock, signal }) },
    fetchPrograms: (wanted) => fetchPrograms(wanted, fetchOptions),
  };
}

/** The repository that the cluster file names. Throws `repository-missing`. */
export function storeOf(operation: Pick<ReadOperation, 'cluster' | 'clock' | 'signal'>): Store {
  const { backup } = operation.cluster;
  if (!backup) throw new KubekeepError('repository-missing', 'the cluster file names no backup repository', { hint: 'Add spec.backup: { repository: FOLDER } or s3://BUCKET/PREFIX.' });
  return storeAt(backup, operation);
}

/** Where a repository is, and how it is reached. */
export type RepositoryPlace = Pick<BackupSpec, 'repository' | 's3' | 'bandwidth'>;

/** The store of a repository: a folder by its absolute path, or a bucket. */
export function storeAt(backup: RepositoryPlace, { clock, signal }: Pick<Operation, 'clock' | 'signal'>): Store {
  const place = s3Place(backup);
  const store = place ? retryingStore(s3Store(place, { signal }), { clock, draw: () => randomInt(2 ** 32) / 2 ** 32, signal }) : folderStore(backup.repository);
  return backup.bandwidth === undefined ? store : limitedStore(store, { bandwidth: backup.bandwidth, clock, signal });
}

function s3Place({ repository, s3 = {} }: RepositoryPlace): S3Place | undefined {
  const [, bucket, prefix] = /^s3:\/\/([^/]+)(?:\/(.+?))?\/?$/.exec(repository) ?? [];
  // Few servers of one's own have a name for each bucket.
  return bucket === undefined ? undefined : { ...s3, bucket, prefix: prefix === undefined ? '' : `${prefix}/`, pathStyle: s3.pathStyle ?? s3.endpoint !== undefined };
}

/** @internal also for tests */
export function connectHosts(cluster: Cluster, options: { folder: string; knownHosts: string; connectTimeout: number }): Map<string, Host> {
  return new Map(cluster.hosts.map(({ name, ssh }) => [name, sshHost({ name, ...ssh }, options)]));
}
