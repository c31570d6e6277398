import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { tellRegularly } from '../lib/tell-regularly.ts';
import { runCommand } from './_run-command.ts';
import { buildRecipe, outputName } from './build-recipes.ts';
import type { BuildRecipe } from './build-recipes.ts';
import { findGo } from './go-toolchain.ts';
import { defaultVersions, familyOf } from './program.ts';
import type { CachedProgram, Platform, Program } from './program.ts';
import type { Source, SourceContext } from './source.ts';

/** Compiles programs from their public Go modules; the sums in `pins/build` pin every byte that is compiled. */
export const buildSource: Source = {
  fits: async () => ({ origin: 'build' }),
  fetch: async (programs, context) => {
    const batches = Map.groupBy(programs, ({ name, version, platform }) => `${familyOf(name)} ${version} ${platform}`);
    const recipes = new Map<string, BuildRecipe>();
    // All missing pins are found before minutes are spent on compiling.
    for (const [key, batch] of batches) recipes.set(key, await pinnedRecipe(batch[0]!));
    const go = await findGo(context);
    const built: CachedProgram[] = [];
    for (const [key, batch] of batches) built.push(...(await compile(go, recipes.get(key)!, batch, context)));
    return programs.map((wanted) => built.find(({ name, version, platform }) => name === wanted.name && version === wanted.version && platform === wanted.platform)!);
  },
};

/** How a program is compiled; throws `program-unavailable` for a version without pins. */
export async function pinnedRecipe({ name, version }: Program): Promise<BuildRecipe> {
  const recipe = buildRecipe(familyOf(name), version);
  try {
    await access(join(recipe.folder, 'go.sum'));
    return recipe;
  } catch (cause) {
    throw new KubekeepError('program-unavailable', `${name} ${version} cannot be compiled: this kubekeep has no pinned module sums for that version`, {
      hint: `Use source release or directory, or version ${defaultVersions[familyOf(name)]} of ${familyOf(name)}.`,
      cause,
    });
  }
}

async function compile(go: string, recipe: BuildRecipe, programs: readonly Program[], context: SourceContext): Promise<CachedProgram[]> {
  const { name, version, platform } = programs[0]!;
  const title = `compiling ${familyOf(name)} ${version}: ${programs.map((program) => program.name).join(', ')}`;
  const partial = context.cache.partialFolder(programs[0]!);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const output = await mkdtemp(join(partial, 'build-'));
  // Beside the result: gigabytes, and /tmp is memory on Debian 13.
  const temporary = await mkdtemp(join(partial, 'go-'));
  const packages = programs.map((program) => recipe.packages[program.name]!);
  try {
    await runGo(go, ['build', '-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', recipe.linkerFlags, '-o', `${output}/`, ...packages], { title, recipe, platform, temporary, context });
    const added: CachedProgram[] = [];
    for (const program of programs) {
      added.push(await context.cache.add(program, join(output, outputName(recipe.packages[program.name]!)), { origin: 'build' }));
    }
    return added;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

interface GoRun {
  readonly title: string;
  readonly recipe: BuildRecipe;
  readonly platform: Platform;
  /** Folder for what is compiled and not linked yet. */
  readonly temporary: string;
  readonly context: SourceContext;
}

async function runGo(go: string, flags: readonly string[], { title, recipe, platform, temporary, context: { clock, progress, signal } }: GoRun): Promise<void> {
  progress({ type: 'started', title });
  const begin = clock.monotonic();
  const seconds = () => Math.round((clock.monotonic() - begin) / 1000);
  let compiled = 0;
  let now = 'reading modules';
  const onLine = (line: string) => {
    if (!line.startsWith('go: ')) compiled += 1;
    now = line.replace(/^go: /, '');
  };
  const ended = new AbortController();
  void tellRegularly(clock, ended.signal, () => progress({ type: 'note', title: `still ${title.split(':')[0]}`, detail: `${seconds()} s, ${compiled} packages compiled, last: ${now}` }));
  try {
    const { exitCode, lines } = await runCommand([go, ...flags], { cwd: recipe.folder, signal, environment: { ...goEnvironment(platform), GOTMPDIR: temporary }, onLine });
    if (exitCode !== 0) throw buildFailed(title, exitCode, lines);
    progress({ type: 'done', title, detail: `${seconds()} s` });
  } catch (error) {
    progress({ type: 'failed', title });
    throw error;
  } finally {
    ended.abort();
  }
}

/** The same bytes whatever is set in the user's shell: only the proxy, the caches and the sum database stay theirs. */
function goEnvironment(platform: Platform): Record<string, string | undefined> {
  return {
    CGO_ENABLED: '0',
    GOOS: 'linux',
    GOARCH: platform.split('-')[1],
    GOAMD64: 'v1',
    GOARM64: 'v8.0',
    GOFLAGS: '-mod=readonly',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    GO111MODULE: 'on',
    GOEXPERIMENT: undefined,
    GODEBUG: undefined,
    GOROOT: undefined,
  };
}

function buildFailed(title: string, exitCode: number | null, lines: readonly string[]): KubekeepError {
  const problems = lines.filter((line) => !/^go: downloading |^[\w./-]+$/.test(line)).slice(-8);
  const killed = exitCode === null || problems.some((line) => /signal: killed/.test(line));
  const full = problems.some((line) => /no space left on device/.test(line));
  const network = problems.some((line) => /dial tcp|proxyconnect|i\/o timeout|no such host|connection refused|TLS handshake/.test(line));
  return new KubekeepError('build-failed', `${title} failed: ${problems.join(' | ') || `go ended with ${exitCode ?? 'a signal'}`}`, {
    hint: killed
      ? 'The compiler was killed, most likely for want of memory: 4 GB of free memory are needed.'
      : full
        ? 'The disk is full: about 4 GB are needed for the Go build cache and modules.'
        : network
          ? 'The Go module proxy could not be reached: set GOPROXY to one that can be, or use source release or directory.'
          : 'Run the same command again; what was compiled already is kept in the Go build cache.',
  });
}
