import { KubekeepError } from '../lib/errors.ts';
import type { Progress } from '../lib/progress.ts';
import { attempt } from './_tool.ts';

export interface LabTool {
  readonly program: string;
  /** The Debian package that has it. */
  readonly package: string;
}

/** What the lab needs of this computer; debootstrap is for the root image. */
const labTools: readonly LabTool[] = [
  { program: 'debootstrap', package: 'debootstrap' },
  { program: 'systemd-nspawn', package: 'systemd-container' },
  { program: 'ip', package: 'iproute2' },
  { program: 'nft', package: 'nftables' },
  { program: 'ssh', package: 'openssh-client' },
  { program: 'mount', package: 'mount' },
];

/** What it needs besides for disks of their own. */
const diskTools: readonly LabTool[] = [
  { program: 'mkfs.ext4', package: 'e2fsprogs' },
  { program: 'fsfreeze', package: 'util-linux' },
  { program: 'perl', package: 'perl-base' },
];

export function toolsFor({ diskSize }: { readonly diskSize?: number | undefined }): readonly LabTool[] {
  return diskSize === undefined ? labTools : [...labTools, ...diskTools];
}

/** The tools that are not installed here. */
export async function missingTools(tools: readonly LabTool[]): Promise<readonly LabTool[]> {
  const { stdout } = await attempt('sh', ['-s'], { input: tools.map(({ program }) => `command -v ${program} >/dev/null || echo ${program}\n`).join('') });
  const missing = new Set(stdout.split('\n'));
  return tools.filter(({ program }) => missing.has(program));
}

/** The line that installs them, for a person to run. */
export function packageLine(tools: readonly LabTool[]): string {
  return `apt-get install -y ${[...new Set(tools.map((tool) => tool.package))].join(' ')}`;
}

/** Installs them by apt-get. The caller has the user's consent. Throws `tool-missing` where there is no apt-get or it fails. */
export async function installTools(tools: readonly LabTool[], { progress, signal }: { progress: Progress; signal?: AbortSignal | undefined }): Promise<void> {
  if (tools.length === 0) return;
  if ((await missingTools([{ program: 'apt-get', package: 'apt' }])).length > 0) {
    throw new KubekeepError('tool-missing', `the lab needs ${tools.map(({ program }) => program).join(', ')}, and this computer has no apt-get to install them`, { hint: 'Install them with the package manager that it has.' });
  }
  const names = [...new Set(tools.map((tool) => tool.package))];
  progress({ type: 'started', title: `installing ${names.join(', ')}`, step: 'packages' });
  // The lists of packages may be old or missing: they are fetched only then.
  const install = () => attempt('env', ['DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '--no-install-recommends', ...names], { signal });
  let result = await install();
  if (result.exitCode !== 0) {
    await attempt('apt-get', ['update'], { signal });
    result = await install();
  }
  if (result.exitCode !== 0) throw new KubekeepError('tool-missing', `apt-get could not install ${names.join(', ')}: ${result.stderr.trim().split('\n').at(-1) ?? ''}`, { hint: `Run ${packageLine(tools)} by hand.` });
  progress({ type: 'done', title: `installed ${names.join(', ')}`, step: 'packages' });
}
