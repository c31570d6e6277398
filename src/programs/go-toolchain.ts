import { createHash, randomBytes } from 'node:crypto';
import { access, chmod, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { directoryHash } from './_dir-hash.ts';
import type { HashedFile } from './_dir-hash.ts';
import { download } from './_download.ts';
import { withFileLock } from './_file-lock.ts';
import { runCommand } from './_run-command.ts';
import { syncPath } from './_sync.ts';
import { readZip } from './_zip-archive.ts';
import { platformOf } from './program.ts';
import type { SourceContext } from './source.ts';

const oldestGo = [1, 26] as const;
const defaultProxy = 'https://proxy.golang.org';

/** `pins/toolchain.json`: the Go version and the sums of its module archives in the Go checksum database. */
interface ToolchainPins {
  readonly version: string;
  readonly sums: Readonly<Record<string, string>>;
}

/**
 * A go command that can compile the programs: the computer's own where it is new enough, otherwise the pinned toolchain, downloaded
 * once from the Go module proxy. Throws `program-unavailable` or `program-checksum`.
 */
export async function findGo(context: SourceContext): Promise<string> {
  const own = await goOfThisComputer(context.signal);
  if (own.usable) return 'go';
  const pins = JSON.parse(await readFile(new URL('../../pins/toolchain.json', import.meta.url), 'utf8')) as ToolchainPins;
  const platform = platformOf(process.arch) ?? process.arch;
  const folder = join(context.cacheFolder, 'toolchains', `${pins.version}.${platform}`);
  const go = join(folder, 'bin', 'go');
  if (await exists(folder)) return go;
  const title = `Go ${pins.version.slice(2)} toolchain`;
  const onWait = () => context.progress({ type: 'note', title: `another kubekeep is downloading the ${title}; waiting for it` });
  const install = async () => {
    if (!(await exists(folder))) await installToolchain({ folder, title, module: `v0.0.1-${pins.version}.${platform}`, sum: pins.sums[platform], proxies: own.proxies, context });
  };
  await withFileLock(`${folder}.lock`, install, { signal: context.signal, onWait });
  return go;
}

interface OwnGo {
  readonly usable: boolean;
  /** Module proxies that can be asked over HTTP, in the order of GOPROXY. */
  readonly proxies: readonly string[];
}

async function goOfThisComputer(signal: AbortSignal | undefined): Promise<OwnGo> {
  const { exitCode, lines } = await runCommand(['go', 'env', 'GOVERSION', 'GOPROXY'], { signal, environment: { GOTOOLCHAIN: 'local' } });
  if (exitCode === 0) return { usable: isNewEnough(lines[0] ?? ''), proxies: httpProxies(lines[1] ?? '') };
  const asked = await runCommand(['sh', '-c', 'echo "$GOPROXY"'], { signal });
  return { usable: false, proxies: httpProxies(asked.lines[0] || defaultProxy) };
}

function isNewEnough(version: string): boolean {
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1]);
}

function httpProxies(setting: string): string[] {
  return setting.split(/[,|]/).map((word) => word.trim().replace(/\/$/, '')).filter((word) => /^https?:\/\//.test(word));
}

interface Installation {
  readonly folder: string;
  readonly title: string;
  readonly module: string;
  readonly sum: string | undefined;
  readonly proxies: readonly string[];
  readonly context: SourceContext;
}

async function installToolchain({ folder, title, module, sum, proxies, context }: Installation): Promise<void> {
  if (sum === undefined) throw new KubekeepError('program-unavailable', `there is no pinned ${title} for this computer`, { hint: 'Install Go 1.26 or newer, or use another source.' });
  await removeLeftovers(folder);
  const archive = `${folder}.zip`;
  const staging = `${folder}.partial-${randomBytes(4).toString('hex')}`;
  // What an earlier run has left may be damaged: then once more, from the beginning.
  for (let resumed = await exists(archive); ; resumed = false) {
    await downloadFromProxies({ title, module, proxies, context }, archive);
    context.progress({ type: 'note', title: `${title}: checking and unpacking` });
    const actual = await unpack(archive, staging, `golang.org/toolchain@${module}/`).catch(reasonAsText);
    await rm(archive, { force: true });
    if (actual === sum) break;
    await rm(staging, { recursive: true, force: true });
    if (!resumed) throw new KubekeepError('program-checksum', `the ${title} from the module proxy has the sum ${actual} and not ${sum}; it was not used`, { hint: 'Check GOPROXY, or install Go 1.26 or newer.' });
  }
  await makeUsable(staging);
  await runCommand(['sync', '-f', staging], { signal: context.signal });
  await rename(staging, folder);
  await syncPath(dirname(folder));
  context.progress({ type: 'done', title });
}

/** Shown in place of a sum. */
function reasonAsText(error: unknown): string {
  return `"${error instanceof Error ? error.message : String(error)}"`;
}

async function downloadFromProxies({ title, module, proxies, context }: Pick<Installation, 'title' | 'module' | 'proxies' | 'context'>, target: string): Promise<void> {
  let last: unknown;
  for (const proxy of proxies) {
    try {
      return await download({ ...context, url: `${proxy}/golang.org/toolchain/@v/${module}.zip`, target, title });
    } catch (error) {
      context.signal?.throwIfAborted();
      last = error;
    }
  }
  throw new KubekeepError('program-unavailable', `the ${title} could not be downloaded from ${proxies.length > 0 ? 'the Go module proxy' : 'anywhere: GOPROXY names no proxy'}`, {
    hint: 'Set GOPROXY to a Go module proxy that can be reached, install Go 1.26 or newer, or use another source.',
    cause: last,
  });
}

/** Writes the files of a module archive below `folder`; the result is the archive's sum. */
async function unpack(archive: string, folder: string, prefix: string): Promise<string> {
  const files: HashedFile[] = [];
  for await (const { name, content } of readZip(archive)) {
    // The sum is known only at the end, so no name may lead out of the folder before that.
    if (!name.startsWith(prefix) || name.split('/').includes('..')) throw new Error(`unexpected file ${name}`);
    files.push({ name, sha256: createHash('sha256').update(content).digest('hex') });
    const path = join(folder, name.slice(prefix.length));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return directoryHash(files);
}

/** What the go command itself does after it has downloaded a toolchain: module archives carry neither modes nor nested go.mod files. */
async function makeUsable(folder: string): Promise<void> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of all.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(folder.length + 1);
    if (/^(bin|pkg\/tool)\//.test(inside) || /^lib\/.*_exec$/.test(inside)) await chmod(path, 0o755);
    if (entry.name === '_go.mod') await writeFile(join(entry.parentPath, 'go.mod'), await readFile(path));
  }
}

/** Half-unpacked toolchains of runs that were killed; the lock is held, so nobody works on these. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith(`${basename(folder)}.partial-`)) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
