import { readFile } from 'node:fs/promises';
import { captureKeys, type CaptureKeys } from '../../backup/captures.ts';
import { resolvePoint, type Point } from '../../backup/points.ts';
import type { Repository } from '../../backup/repository.ts';
import type { Store } from '../../backup/store/store.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { Secret } from '../../lib/secret.ts';
import { encryptionKeysOf, type EncryptionKeys } from '../../objects/encrypted-value.ts';
import { encryptionConfig } from '../../render/kube-apiserver.ts';
import type { ReadOperation } from '../backup/backup-operation.ts';
import { newestBundle } from '../backup/newest-bundle.ts';
import { openToRead } from '../backup/open-backup.ts';
import { openKeptSecrets } from '../state.ts';
import { stateAt, type ObjectState } from './object-state.ts';
import type { FindKeys } from './read-objects.ts';

/** A repository that objects are read out of. */
export interface OpenObjects {
  readonly repository: Repository;
  readonly keys: CaptureKeys;
  /** Of values that API servers encrypt. */
  readonly encryptionKeys: FindKeys;
  /** The EncryptionConfiguration that they are of; undefined where there is none that can be opened. */
  readonly encryption: () => Promise<Secret | undefined>;
  at(text: string): Promise<{ readonly point: Point; readonly state: ObjectState }>;
}

/** `configuration`: path of an EncryptionConfiguration, where the backup has none. Throws what `openToRead` throws. */
export async function openObjects(operation: ReadOperation, store: Store, configuration?: string): Promise<OpenObjects> {
  const { repository, identity } = await openToRead(operation, store);
  const keys = captureKeys(repository, identity);
  const encryption = once(() => (configuration === undefined ? encryptionOfCluster(operation, repository, identity) : readConfiguration(configuration)));
  return {
    repository,
    keys,
    encryption,
    encryptionKeys: once(async () => {
      const found = await encryption();
      return found ? encryptionKeysOf(found) : new Map();
    }),
    async at(text) {
      const point = await resolvePoint(repository, text, keys);
      return { point, state: stateAt(operation, repository, { point, keys }) };
    },
  };
}

/** Of an EncryptionConfiguration in a file. Throws `file-missing`, `spec-invalid`. */
export async function keysOfFile(path: string): Promise<EncryptionKeys> {
  return encryptionKeysOf(await readConfiguration(path));
}

async function readConfiguration(path: string): Promise<Secret> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new KubekeepError('file-missing', `${path} cannot be read: ${cause.message}`, { cause });
  });
  return new Secret(text);
}

/** The one that this computer has, or that lies sealed beside the newest base. None where neither can be opened: the other objects can be read. */
async function encryptionOfCluster({ state, cluster, identityFile }: ReadOperation, repository: Repository, identity: Secret): Promise<Secret | undefined> {
  const from = [
    async () => (await openKeptSecrets(state, { cluster: cluster.name, identityFile }))?.secrets,
    async () => (await newestBundle(repository, identity)).bundle.secrets,
  ];
  for (const secrets of from) {
    const found = await secrets().catch((error: unknown) => {
      if (error instanceof KubekeepError && ['identity-missing', 'point-missing'].includes(error.code)) return undefined;
      throw error;
    });
    if (found) return encryptionConfig(found.encryptionKey);
  }
  return undefined;
}

/** What is asked for again is what was got first. */
export function once<T>(get: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => (known ??= get());
}
