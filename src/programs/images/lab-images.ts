import { join } from 'node:path';
import { KubekeepError } from '../../lib/errors.ts';
import { runCommand } from '../_run-command.ts';
import type { CachedProgram } from '../program.ts';
import { writeImage, type ContainerImage } from './container-image.ts';

/** Packages that machines have beside the usual ones where they run containers. */
export const podPackages = ['containerd', 'runc', 'containernetworking-plugins', 'conntrack', 'iptables', 'ethtool', 'busybox-static'] as const;

/** Of a name that no registry has, so that nothing in it can be taken for an official image. */
export const labRepository = 'kubekeep.test';

/**
 * Writes the images of a lab's workers into a folder. `root`: that of a machine with `podPackages`, of whose files they are: busybox as the process that keeps a
 * pod's network, and by its own name, with a shell and a small web server; HAProxy with a shell. `coredns`: the program.
 */
export async function writeLabImages(folder: string, root: string, coredns: CachedProgram): Promise<void> {
  const shell = Object.fromEntries(['busybox', 'sh'].map((name) => [`bin/${name}`, join(root, 'usr/bin/busybox')]));
  const images: readonly ContainerImage[] = [
    { name: `${labRepository}/pause:3.10.2`, files: shell, entrypoint: ['/bin/busybox', 'sleep', 'infinity'] },
    { name: `${labRepository}/busybox:1`, files: shell, entrypoint: ['/bin/busybox'] },
    { name: `${labRepository}/haproxy:1`, files: { ...shell, ...(await withLibraries(root, '/usr/sbin/haproxy')) }, entrypoint: ['/usr/sbin/haproxy'] },
    { name: `${labRepository}/coredns:v${coredns.version}`, files: { coredns: coredns.path }, entrypoint: ['/coredns'] },
  ];
  for (const image of images) await writeImage(join(folder, `${image.name.split(/[/:]/)[1]!}.tar`), image);
}

/** A program of the root, and what it is linked with; all of them at their paths. */
async function withLibraries(root: string, program: string): Promise<Record<string, string>> {
  const { exitCode, lines } = await runCommand(['chroot', root, 'ldd', program]);
  if (exitCode !== 0) throw new KubekeepError('lab-failed', `making an image of ${program}: ldd: ${lines.at(-1) ?? ''}`);
  const libraries = lines.map((line) => /(\/\S+) \(0x/.exec(line)?.[1]).filter((path) => path !== undefined);
  return Object.fromEntries([program, ...libraries].map((path) => [path, join(root, path)]));
}
