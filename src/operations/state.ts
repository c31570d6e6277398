import { mkdir, readFile, rename, rm, stat, writeFile, open as openFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unwritten } from '../lib/disk-error.ts';
import { KubekeepError } from '../lib/errors.ts';
import { createIdentity, open, recipientOf, seal } from '../pki/seal.ts';
import { identityIn } from '../pki/identity-text.ts';
import type { Secret } from '../lib/secret.ts';
import { createSecrets, type ClusterSecrets } from '../pki/secrets.ts';
import { reachable, type ClusterFacts } from './facts.ts';

/**
 * The operator's side of a cluster: `.kubekeep/NAME/` beside the cluster file, mode 0700, kept out of git by its own .gitignore. It holds the age
 * identity, the sealed secrets, the trusted host keys and the journal. All but the identity can be rebuilt from the hosts.
 */
export interface StateFolder {
  readonly path: string;
  readonly knownHosts: string;
  readonly journal: string;
}

export interface OpenedSecrets {
  readonly secrets: ClusterSecrets;
  /** Armored age file: what lies in the state folder and on every control-plane host. */
  readonly sealed: string;
  /** `state`: opened from the folder. `hosts`: opened from a host's copy. `new`: made now, saved nowhere yet. */
  readonly from: 'state' | 'hosts' | 'new';
  readonly identity: Secret;
}

export function stateFolder(directory: string, cluster: string): StateFolder {
  const path = join(directory, '.kubekeep', cluster);
  return { path, knownHosts: join(path, 'known_hosts'), journal: join(path, 'journal.ndjson') };
}

/**
 * The secrets of the cluster: from the folder, else from a host's sealed copy, else new ones where no host belongs to a cluster. Throws
 * `identity-missing` where they are sealed and cannot be opened, `cluster-mismatch` where the hosts belong to another cluster.
 */
export async function openSecrets(folder: StateFolder, { cluster, facts, identityFile, now }: { cluster: string; facts: ClusterFacts; identityFile: string | undefined; now: number }): Promise<OpenedSecrets> {
  const seen = [...facts.hosts].flatMap(([name, found]) => (reachable(found) ? [{ name, found }] : []));
  const { path: identityPath, text: identityText } = await identityAt(folder, identityFile);
  const local = await readKept(folder, 'secrets.age');
  const copies = local === undefined ? [...new Set(seen.flatMap(({ found }) => found.sealed ?? []))] : [local];
  if (copies.length === 0) {
    const owned = seen.find(({ found }) => found.identity !== undefined);
    if (owned) throw new KubekeepError('cluster-mismatch', `${owned.name} belongs to cluster ${owned.found.identity!.cluster} and no sealed keys were found`, { hint: 'Run kubekeep destroy with the file of that cluster, or reinstall the host.' });
    return createNew(cluster, identityText === undefined ? undefined : identityIn(identityText, identityPath), now);
  }
  if (identityText === undefined) {
    throw new KubekeepError('identity-missing', `the keys of cluster ${cluster} are sealed and ${identityPath} is not there`, { hint: 'Give the identity that you copied away when the cluster was built: KUBEKEEP_IDENTITY=FILE.' });
  }
  const identity = identityIn(identityText, identityPath);
  const { secrets, sealed } = await openFirst(copies, identity);
  refuseOthers(facts, secrets.clusterId);
  return { secrets, sealed, identity, from: local === undefined ? 'hosts' : 'state' };
}

/** The secrets as the folder alone has them, without asking a host; undefined where it has none. Throws `identity-missing`, `state-broken`. */
export async function openKeptSecrets(folder: StateFolder, { cluster, identityFile }: { cluster: string; identityFile: string | undefined }): Promise<OpenedSecrets | undefined> {
  if ((await readKept(folder, 'secrets.age')) === undefined) return undefined;
  return openSecrets(folder, { cluster, facts: { observedAt: 0, hosts: new Map() }, identityFile, now: 0 });
}

/** Puts identity and sealed secrets into the folder. Nothing is overwritten with something else: an existing identity stays. */
export async function saveSecrets(folder: StateFolder, { sealed, identity }: OpenedSecrets): Promise<void> {
  if ((await readKept(folder, 'identity')) === undefined) {
    await keepIdentity(folder, identity, 'with it and the cluster file everything else can be rebuilt from the hosts.');
  }
  await keep(folder, 'secrets.age', sealed);
}

/** Puts an identity into the folder; the path that it has there. `because`: why it is to be copied away. */
export async function keepIdentity(folder: StateFolder, identity: Secret, because: string): Promise<string> {
  await keep(folder, 'identity', `# age identity of this cluster. Copy it to a safe place: ${because}\n${identity.reveal()}\n`);
  return join(folder.path, 'identity');
}

/** The operator's identity, from a file that was named or from the folder. Throws `identity-missing`, `file-missing`. */
export async function readIdentity(folder: StateFolder, identityFile: string | undefined): Promise<Secret> {
  const { path, text } = await identityAt(folder, identityFile);
  if (text === undefined) throw new KubekeepError('identity-missing', `${path} is not there`, { hint: 'Give the identity that you copied away when the cluster was built: KUBEKEEP_IDENTITY=FILE.' });
  return identityIn(text, path);
}

/** An identity by the path of its file. Throws `identity-missing`, `file-missing`. */
export async function readIdentityFile(path: string): Promise<Secret> {
  refuseIdentityAsPath(path);
  const text = await readIfThere(path);
  if (text === undefined) throw new KubekeepError('file-missing', `the identity ${path} does not exist`);
  return identityIn(text, path);
}

/** Whether others than its owner may read a file, as an identity should not be. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o077) !== 0;
}

/** As other programs take it; an error would show what opens everything. Throws `usage`. */
function refuseIdentityAsPath(path: string): void {
  if (/AGE-(SECRET-KEY|PLUGIN)-/i.test(path)) throw new KubekeepError('usage', 'an identity was given in the place of the path of its file', { hint: 'Put it into a file with mode 600, and give the path: --identity FILE, or KUBEKEEP_IDENTITY=FILE.' });
}

/** Where the operator's identity is, and what stands there. Throws `file-missing` where the file that was named cannot be read. */
async function identityAt(folder: StateFolder, identityFile: string | undefined): Promise<{ readonly path: string; readonly text: string | undefined }> {
  refuseIdentityAsPath(identityFile ?? '');
  const path = identityFile ?? join(folder.path, 'identity');
  const text = await readIfThere(path);
  if (text === undefined && identityFile) throw new KubekeepError('file-missing', `the identity ${identityFile} cannot be read`);
  return { path, text: text?.trim() };
}

/** A small file of the folder, whole; undefined where there is none. */
export async function readKept(folder: StateFolder, name: string): Promise<string | undefined> {
  return readIfThere(join(folder.path, name));
}

/** Puts a small file into the folder, durable, mode 0600. Throws `file-missing`; what stood there stays then. */
export async function keep(folder: StateFolder, name: string, content: string): Promise<void> {
  const path = join(folder.path, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unwritten(dirname(path), error);
  });
  await writeSynced(join(folder.path, '..', '.gitignore'), '*\n');
  await writeSynced(path, content);
}

/** The first that opens: a host of another cluster may keep one that does not, and is named when the cluster ids are compared. */
async function openFirst([sealed = '', ...more]: readonly string[], identity: Secret): Promise<{ secrets: ClusterSecrets; sealed: string }> {
  try {
    return { secrets: await open(new TextEncoder().encode(sealed), identity), sealed };
  } catch (error) {
    if (more.length === 0) throw error;
    return openFirst(more, identity).catch(() => { throw error; });
  }
}

/** Throws `cluster-mismatch` where a host belongs to another cluster than the one with this id. */
export function refuseOthers({ hosts }: Pick<ClusterFacts, 'hosts'>, id: string): void {
  const other = [...hosts].find(([, found]) => reachable(found) && found.identity && found.identity.id !== id);
  if (!other || !reachable(other[1])) return;
  const [host, { identity }] = other;
  throw new KubekeepError('cluster-mismatch', `${host} belongs to another cluster (${identity!.cluster}, id ${identity!.id.slice(0, 12)}), not to the one of this cluster file (id ${id.slice(0, 12)})`, {
    hint: 'Check the addresses in the cluster file. Nothing was changed.',
  });
}

async function createNew(cluster: string, given: Secret | undefined, now: number): Promise<OpenedSecrets> {
  const identity = given ?? (await createIdentity()).identity;
  const secrets = await createSecrets(cluster, now);
  return { secrets, sealed: await sealTo(secrets, identity), identity, from: 'new' };
}

/** What `saveSecrets` keeps of secrets, for one identity. */
export async function sealTo(secrets: ClusterSecrets, identity: Secret): Promise<string> {
  const sealed = new TextDecoder().decode(await seal(secrets, [await recipientOf(identity)]));
  return sealed.endsWith('\n') ? sealed : `${sealed}\n`;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KubekeepError('file-missing', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Whole or not at all, and on the disk when it returns; two that write at once do not mix. */
async function writeSynced(path: string, content: string): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  try {
    await writeFile(temporary, content, { mode: 0o600, flush: true });
    await rename(temporary, path);
    const folder = await openFile(dirname(path), 'r');
    await folder.sync();
    await folder.close();
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritten(path, error);
  }
}
