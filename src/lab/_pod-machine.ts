import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where containers keep their files: an overlay cannot lie on an overlay, so they are on this computer's own disk. */
const ownFolders = ['containerd', 'kubelet'] as const;

/** What systemd-nspawn needs for a machine that runs containers: their capabilities, the kernel's messages, which a kubelet reads, and folders of their own below `pods`. */
export async function podArguments(pods: string): Promise<string[]> {
  for (const name of ownFolders) await mkdir(join(pods, name), { recursive: true });
  return ['--capability=CAP_SYSLOG', '--bind-ro=/dev/kmsg', ...ownFolders.map((name) => `--bind=${join(pods, name)}:/var/lib/${name}`)];
}

/** Where this computer's controllers are those of cgroups version 1, containers in a machine need them, and its systemd has to be told. */
export function podCgroups(): { readonly unified: boolean; readonly words: readonly string[] } {
  const unified = !existsSync('/sys/fs/cgroup/memory');
  return { unified, words: unified ? [] : ['systemd.unified_cgroup_hierarchy=0', 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'] };
}
