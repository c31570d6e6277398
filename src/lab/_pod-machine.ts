import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import { attempt } from './_tool.ts';

/** Where containers keep their files: an overlay cannot lie on an overlay, so they are on this computer's own disk. */
const ownFolders = ['containerd', 'kubelet'] as const;
const imagesOnMachine = '/usr/local/share/lab-images';

export interface PodFolders {
  /** The machine's own, for its containers. */
  readonly pods: string;
  /** Archives of images that all machines of the lab have. */
  readonly images: string;
}

/** What systemd-nspawn needs for a machine that runs containers: their capabilities, the kernel's messages, which a kubelet reads, and folders of their own below `pods`. */
export async function podArguments({ pods, images }: PodFolders): Promise<string[]> {
  await mkdir(images, { recursive: true });
  for (const name of ownFolders) await mkdir(join(pods, name), { recursive: true });
  return ['--capability=CAP_SYSLOG', '--bind-ro=/dev/kmsg', `--bind-ro=${images}:${imagesOnMachine}`, ...ownFolders.map((name) => `--bind=${join(pods, name)}:/var/lib/${name}`)];
}

/** Where this computer's controllers are those of cgroups version 1, containers in a machine need them, and its systemd has to be told. */
export function podCgroups(): { readonly unified: boolean; readonly words: readonly string[] } {
  const unified = !existsSync('/sys/fs/cgroup/memory');
  return { unified, words: unified ? [] : ['systemd.unified_cgroup_hierarchy=0', 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'] };
}

/** Throws `lab-unsupported` with the feature of this computer's kernel that containers in a machine need and that it lacks. */
export async function checkPodFeatures(): Promise<void> {
  const controllers = podCgroups().unified ? (await readFile('/sys/fs/cgroup/cgroup.controllers', 'utf8').catch(() => '')).split(/\s+/) : undefined;
  const lacking = ['cpu', 'memory', 'pids'].filter((name) => !(controllers ? controllers.includes(name) : existsSync(`/sys/fs/cgroup/${name}`)));
  if (lacking.length > 0) throw new KubekeepError('lab-unsupported', `this computer's cgroups have no controller ${lacking.join(', ')}, which workers need`);
  if (!existsSync('/dev/kmsg')) throw new KubekeepError('lab-unsupported', 'this computer has no /dev/kmsg, which a kubelet reads');
  if (!existsSync('/proc/sys/net/bridge')) await attempt('modprobe', ['br_netfilter']).catch(() => {});
  if (!existsSync('/proc/sys/net/bridge')) throw new KubekeepError('lab-unsupported', "this computer's kernel has no br_netfilter, without which pods of one worker do not reach each other through a Service", { hint: 'modprobe br_netfilter says why.' });
}

/** Files of a machine that runs containers, by path, and the units among them that start with it. */
export const podFiles: readonly (readonly [path: string, content: string, mode?: number])[] = [
  ['usr/local/sbin/lab-prepare-pods', `#!/bin/sh
# Controllers that can be written, and kernel settings that a kubelet insists on, for this machine alone.
set -e
for folder in /sys/fs/cgroup/*/; do mountpoint -q "$folder" && mount -o remount,rw,bind "$folder"; done
mkdir -p /run/settings
for pair in vm/overcommit_memory:1 kernel/panic:10 kernel/panic_on_oops:1; do
  name=\${pair%:*}
  file=/run/settings/$(basename "$name")
  echo "\${pair#*:}" > "$file"
  mount --bind "$file" "/proc/sys/$name"
done
echo 1 > /proc/sys/net/ipv4/ip_forward
`, 0o755],
  ['usr/local/sbin/lab-import-images', `#!/bin/sh
# Each archive once: what was imported outlives a restart of the machine.
for archive in ${imagesOnMachine}/*.tar; do
  note=/var/lib/containerd/imported-$(basename "$archive")
  [ -f "$archive" ] && [ ! "$note" -nt "$archive" ] && ctr --namespace k8s.io image import "$archive" && touch "$note"
done
exit 0
`, 0o755],
  ['etc/systemd/system/lab-prepare-pods.service', oneshot('lab-prepare-pods', 'Before=containerd.service')],
  ['etc/systemd/system/lab-import-images.service', oneshot('lab-import-images', 'After=containerd.service\nWants=containerd.service')],
];
export const podUnits = ['lab-prepare-pods.service', 'lab-import-images.service'] as const;

function oneshot(program: string, order: string): string {
  return `[Unit]\n${order}\n\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/local/sbin/${program}\n\n[Install]\nWantedBy=multi-user.target\n`;
}
