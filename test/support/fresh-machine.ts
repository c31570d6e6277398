import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProcess } from '../../src/hosts/process.ts';
import { hasSystemd } from '../../src/lab/_boot.ts';
import { makeCgroups, removeCgroups } from '../../src/lab/_cgroups.ts';
import { removeNspawnState } from '../../src/lab/_nspawn-state.ts';
import { findInit, killMachine } from '../../src/lab/_processes.ts';
import { runtimeTag } from '../../src/lab/layout.ts';
import { debianMirror } from '../../src/programs/images/debian-mirror.ts';
import type { Release } from '../../src/programs/images/image-recipe.ts';
import { readComputerSettings } from './computer-settings.ts';

export interface FreshMachine extends AsyncDisposable {
  /** Runs sh text as root in a service of the machine's systemd, with `folder` as the current one. Output goes to `onText`. */
  run(text: string, options: RunOptions): Promise<number>;
}

interface FreshMachineOptions {
  readonly repository: string;
  /** A folder of compiled programs to start with, which a fresh machine has not. */
  readonly programs?: string;
  readonly signal: AbortSignal;
}

interface RunOptions {
  readonly folder?: string;
  readonly onText: (text: string, stream: 'stdout' | 'stderr') => void;
}

/**
 * A Debian as debootstrap's smallest variant leaves it, with systemd as PID 1, on this computer's network: a container in which machines
 * can be made. The repository lies read-only in /repository. Disposing of it leaves nothing on this computer, also when it was at work.
 */
export async function freshMachine(release: Release, { repository, programs, signal }: FreshMachineOptions): Promise<FreshMachine> {
  // On an ordinary disk: machines inside have overlays on it.
  const folder = await mkdtemp('/var/tmp/kubekeep-fresh-');
  const machine: Machine = { id: `fresh-${randomBytes(4).toString('hex')}`, root: join(folder, 'root'), computerId: randomBytes(16).toString('hex') };
  const limit = await readFile(inotifyLimit, 'utf8');
  const remove = async () => {
    await removeMachine(machine);
    // Its labs put it back themselves unless they were interrupted; a lab of this computer that raised it does so too.
    if (!existsSync('/run/kubekeep/lab-limits-before')) await writeFile(inotifyLimit, limit);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await makeRoot(release, machine, signal);
    if (programs) await cp(programs, join(machine.root, 'root/.cache/kubekeep/programs'), { recursive: true, preserveTimestamps: true });
    const process = await boot(machine, repository);
    const init = await waitForSystemd(machine, process, signal);
    return { run: (text, options) => runInside(machine, init, text, options, signal), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const inotifyLimit = '/proc/sys/fs/inotify/max_user_instances';

interface Machine {
  /** For systemd-nspawn and the cgroups. */
  readonly id: string;
  readonly root: string;
  /** Its /etc/machine-id, which decides what its labs' names on the shared network begin with. */
  readonly computerId: string;
}

async function makeRoot(release: Release, { root, computerId }: Machine, signal: AbortSignal): Promise<void> {
  const { environment, aptLines } = await readComputerSettings();
  const mirror = await debianMirror();
  const include = ['systemd-sysv', ...(mirror.startsWith('https:') ? ['ca-certificates'] : [])];
  await mkdir(root, { recursive: true });
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const flags = ['--variant=minbase', `--include=${include.join(',')}`, ...(existsSync(keyring) ? [`--keyring=${keyring}`] : [])];
  const { exitCode, stdout, stderr } = await runProcess('unshare', ['--mount', '--pid', '--fork', '--kill-child=KILL', 'debootstrap', ...flags, release, root, mirror], { signal });
  if (exitCode !== 0) throw new Error(`debootstrap of ${release}: ${(stderr || stdout).trim().split('\n').slice(-5).join(' | ')}`);
  // What belongs to where this computer stands, and not to what is installed on it.
  for (const file of ['/etc/resolv.conf', '/etc/hosts']) {
    await rm(join(root, file), { force: true });
    await copyFile(file, join(root, file));
  }
  const authorities = '/usr/local/share/ca-certificates';
  if (existsSync(authorities)) await cp(authorities, join(root, authorities), { recursive: true, dereference: true });
  await writeFile(join(root, 'etc/apt/apt.conf.d/90computer'), aptLines.join('\n'));
  await writeFile(join(root, environmentFile), Object.entries(environment).map(([name, value]) => `${name}="${value}"\n`).join(''), { mode: 0o600 });
  await writeFile(join(root, 'etc/hostname'), `fresh-${release}\n`);
  await writeFile(join(root, 'etc/machine-id'), `${computerId}\n`);
  // The kernel's settings and the network are this computer's own.
  for (const unit of ['systemd-sysctl.service', 'systemd-networkd.service', 'systemd-networkd.socket', 'systemd-resolved.service']) {
    await symlink('/dev/null', join(root, 'etc/systemd/system', unit)).catch(() => {});
  }
}

const environmentFile = 'etc/computer-environment';

/** Half the processor time of others when it is scarce, and nice. */
const weight = 50;

async function boot({ id, root }: Machine, repository: string): Promise<ChildProcess> {
  const nspawn = [
    'nice', '-n', '10', 'env', 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1',
    'systemd-nspawn', '-q', '--keep-unit', '--register=no', '--settings=no', '--link-journal=no', '--resolv-conf=off', '--timezone=off', '-D', root, '-M', id,
    '--capability=all', '--system-call-filter=@mount @keyring bpf', `--bind-ro=${repository}:/repository`, '-b',
  ];
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  if (await hasSystemd()) return spawn('systemd-run', ['--quiet', '--scope', `--unit=kubekeep-${id}`, '-p', 'Delegate=yes', '-p', `CPUWeight=${weight}`, ...nspawn], { detached: true, stdio: [...stdio] });
  const cgroups = await makeCgroups(id);
  for (const cgroup of cgroups) {
    const shares = join(cgroup, 'cpu.shares');
    if (existsSync(shares)) await writeFile(shares, String(Math.round((1024 * weight) / 100)));
  }
  const enter = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 70; shift; done; shift; exec "$@"';
  return spawn('sh', ['-c', enter, 'sh', ...cgroups, '--', ...nspawn], { detached: true, stdio: [...stdio] });
}

async function waitForSystemd({ id }: Machine, process: ChildProcess, signal: AbortSignal): Promise<number> {
  for (let turn = 0; turn < 300; turn += 1) {
    if (process.exitCode !== null) throw new Error(`systemd-nspawn ended with ${process.exitCode}`);
    const init = await findInit(id);
    if (init !== undefined) {
      const { stdout } = await runProcess('nsenter', ['--target', `${init}`, '--all', 'systemctl', 'is-system-running'], { signal });
      if (/^(running|degraded)/.test(stdout)) {
        await allowOwnLimits(init, signal);
        return init;
      }
    }
    await sleep(200, undefined, { signal });
  }
  throw new Error('the machine did not start within a minute');
}

/** nspawn makes all of /proc/sys read-only; on a computer, `kubekeep lab` may raise this limit. */
async function allowOwnLimits(init: number, signal: AbortSignal): Promise<void> {
  const script = 'mkdir -p /run/proc && mount -t proc proc /run/proc && mount --bind /run/proc/sys/fs/inotify /proc/sys/fs/inotify && umount /run/proc';
  const { exitCode, stderr } = await runProcess('nsenter', ['--target', `${init}`, '--all', 'sh', '-ec', script], { signal });
  if (exitCode !== 0) throw new Error(`the machine's limits: ${stderr}`);
}

/** In a service of the machine's systemd, as `systemd-run --pipe --wait` does where there is D-Bus, which the smallest Debian has not. */
async function runInside(machine: Machine, init: number, text: string, { folder = '/root', onText }: RunOptions, signal: AbortSignal): Promise<number> {
  await writeFile(join(machine.root, 'etc/step'), `{ ${text}\n} > /run/step/stdout 2> /run/step/stderr\necho $? > /run/step/code\n`);
  const properties = [`WorkingDirectory=${folder}`, `EnvironmentFile=/${environmentFile}`, 'LimitNOFILE=1024:524288', 'Environment=HOME=/root USER=root LANG=C.UTF-8'];
  const start = `systemd-run --quiet --collect ${properties.map((one) => `--property='${one}'`).join(' ')} sh /etc/step`;
  const script = [
    'rm -rf /run/step && mkdir /run/step && mkfifo /run/step/stdout /run/step/stderr',
    start,
    'cat /run/step/stderr >&2 & cat /run/step/stdout; wait',
    'while [ ! -s /run/step/code ]; do sleep 0.1; done; exit "$(cat /run/step/code)"',
  ].join('\n');
  const child = spawn('nsenter', ['--target', `${init}`, '--all', 'sh', '-ec', script], { detached: true, stdio: ['ignore', 'pipe', 'pipe'], signal });
  child.stdout.setEncoding('utf8').on('data', (part: string) => onText(part, 'stdout'));
  child.stderr.setEncoding('utf8').on('data', (part: string) => onText(part, 'stderr'));
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 255;
}

/** All processes at once, with them the mounts in their namespaces; then what its labs had on the shared network, and its cgroups. */
async function removeMachine({ id, root, computerId }: Machine): Promise<void> {
  await killMachine(id);
  const tag = runtimeTag('/run/kubekeep', computerId);
  const { stdout: links } = await runProcess('ip', ['-brief', 'link']);
  for (const [name] of links.matchAll(new RegExp(`^(${tag}[0-9a-f]{4}|vb-${tag}[0-9a-f]{6})(?=[@ ])`, 'gm'))) await runProcess('ip', ['link', 'delete', 'dev', name]);
  const { stdout: tables } = await runProcess('nft', ['list', 'tables']);
  for (const [, family, name] of tables.matchAll(new RegExp(`^table (\\w+) (kubekeep_${tag}_\\w+)`, 'gm'))) await runProcess('nft', ['delete', 'table', family!, name!]);
  await removeNspawnState(id, root);
  if (!(await hasSystemd())) await removeCgroups(id);
}
