import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Progress } from '../../lib/progress.ts';
import { withFileLock } from '../_file-lock.ts';
import { runCommand } from '../_run-command.ts';
import { syncPath } from '../_sync.ts';
import { debianMirror } from './debian-mirror.ts';
import { basePackages, imageName, tidyScript } from './image-recipe.ts';
import type { Release } from './image-recipe.ts';

export interface ImageOptions {
  readonly release: Release;
  /** Packages beside the base ones. */
  readonly packages?: readonly string[] | undefined;
  /** The user's cache folder for kubekeep. */
  readonly cacheFolder: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The root folder of lab machines, made by debootstrap at the first use and kept in the cache; nobody may change what is in it. Needs
 * root. Throws `not-root`, `tool-missing`, `lab-failed` or an AbortError.
 */
export async function ensureImage({ release, packages = [], cacheFolder, progress, clock, signal }: ImageOptions): Promise<string> {
  const wanted = [...new Set([...basePackages, ...packages])];
  const root = join(cacheFolder, 'images', imageName(release, wanted, process.arch));
  if (await exists(root)) return root;
  if (process.getuid?.() !== 0) throw new KubekeepError('not-root', 'making the image of lab machines needs root', { hint: 'Run the same command with sudo.' });
  const onWait = () => progress({ type: 'note', title: 'another kubekeep is making the same image; waiting for it' });
  await withFileLock(
    `${root}.lock`,
    async () => {
      if (await exists(root)) return;
      await removeLeftovers(root);
      await makeImage({ release, wanted, root, progress, clock, signal });
    },
    { signal, onWait },
  );
  return root;
}

interface Making {
  readonly release: Release;
  readonly wanted: readonly string[];
  readonly root: string;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

async function makeImage({ release, wanted, root, progress, clock, signal }: Making): Promise<void> {
  const title = `image of lab machines: Debian ${release}`;
  const begin = clock.monotonic();
  const partial = `${root}.partial-${randomBytes(4).toString('hex')}`;
  progress({ type: 'started', title, detail: 'about a minute, 300 MB, once' });
  try {
    await mkdir(partial, { recursive: true });
    await debootstrap({ release, wanted, partial, progress, signal });
    const tidied = await runIsolated(['chroot', partial, 'sh', '-euc', tidyScript], { signal });
    if (tidied.exitCode !== 0) throw failed('preparing the new root', tidied.lines);
    // The root is complete and on the disk before it gets its name.
    await runCommand(['sync', '-f', partial], { signal });
    await rename(partial, root);
    await syncPath(dirname(root));
    progress({ type: 'done', title, detail: `${Math.round((clock.monotonic() - begin) / 1000)} s` });
  } catch (error) {
    progress({ type: 'failed', title });
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

interface Bootstrapping extends Pick<Making, 'release' | 'wanted' | 'progress' | 'signal'> {
  readonly partial: string;
}

/** The first word of debootstrap's lines, one for each package, and what it is doing then. */
const phases: Readonly<Record<string, string>> = {
  Retrieving: 'downloading packages',
  Validating: 'downloading packages',
  Extracting: 'extracting the first packages',
  Unpacking: 'unpacking packages',
  Configuring: 'configuring packages',
};

async function debootstrap({ release, wanted, partial, progress, signal }: Bootstrapping): Promise<void> {
  const mirror = await debianMirror();
  let shown: string | undefined;
  const onLine = (line: string) => {
    const phase = phases[/^I: (\w+)/.exec(line)?.[1] ?? ''];
    if (phase === undefined || phase === shown) return;
    shown = phase;
    progress({ type: 'note', title: `Debian ${release}: ${phase}` });
  };
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const flags = ['--variant=minbase', `--include=${wanted.join(',')}`, ...((await exists(keyring)) ? [`--keyring=${keyring}`] : [])];
  const proxy = await aptProxy(signal);
  const environment = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C', ...(proxy && { http_proxy: proxy, https_proxy: proxy }) };
  const { exitCode, lines } = await runIsolated(['debootstrap', ...flags, release, partial, mirror], { signal, onLine, environment });
  if (exitCode === 127) throw toolMissing();
  if (exitCode !== 0) throw failed(`debootstrap of Debian ${release} from ${mirror}`, lines);
}

/** The proxy that apt is told to use, which debootstrap would not know of; not one with a password, which would show in a process list. */
async function aptProxy(signal: AbortSignal | undefined): Promise<string | undefined> {
  const { lines } = await runCommand(['apt-config', 'shell', 'proxy', 'Acquire::http::Proxy'], { signal });
  return /^proxy='(https?:\/\/[^'@]+)'$/.exec(lines[0] ?? '')?.[1];
}

/** In mount and process namespaces of its own: whatever happens, no mount and no process of it is left behind. */
function runIsolated(command: readonly string[], options: Parameters<typeof runCommand>[1]): ReturnType<typeof runCommand> {
  return runCommand(['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', ...command], options);
}

/** What earlier runs that were killed have left; the lock of the image is held, so nobody works on these. */
async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(dirname(root))) {
    if (name.startsWith(`${basename(root)}.partial-`)) await rm(join(dirname(root), name), { recursive: true, force: true });
  }
}

function toolMissing(): KubekeepError {
  return new KubekeepError('tool-missing', 'the program debootstrap, which makes the image of lab machines, is not installed on this computer', {
    hint: 'Run: apt-get install -y debootstrap systemd-container iproute2 nftables openssh-client',
  });
}

function failed(what: string, lines: readonly string[]): KubekeepError {
  const signature = lines.some((line) => /unknown key|Invalid Release signature|NO_PUBKEY/i.test(line));
  const problems = lines.filter((line) => /^(E|W|dpkg|Err|Failed)/.test(line));
  return new KubekeepError('lab-failed', `${what} failed: ${(problems.length > 0 ? problems : lines).slice(-5).join(' | ')}`, {
    hint: signature ? 'Run: apt-get install -y debian-archive-keyring' : 'Check that the Debian mirror of this computer can be reached and run the same command again.',
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
