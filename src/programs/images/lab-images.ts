import { join } from 'node:path';
import { writeImage } from './container-image.ts';

/** Packages that machines have beside the usual ones where they run containers. */
export const podPackages = ['containerd', 'runc', 'containernetworking-plugins', 'conntrack', 'iptables', 'ethtool', 'busybox-static'] as const;

/** Of a name that no registry has, so that nothing in it can be taken for an official image. */
export const labRepository = 'kubekeep.test';

/**
 * Writes what workers of a lab need of images, and one to try things with, into a folder: busybox of Debian as the process that keeps a pod's network, and by its
 * own name, with a shell and a small web server in it. `root`: that of a machine with `podPackages`.
 */
export async function writeLabImages(folder: string, root: string): Promise<void> {
  const files = Object.fromEntries(['busybox', 'sh'].map((name) => [`bin/${name}`, join(root, 'usr/bin/busybox')]));
  await writeImage(join(folder, 'pause.tar'), { name: `${labRepository}/pause:3.10.2`, files, entrypoint: ['/bin/busybox', 'sleep', 'infinity'] });
  await writeImage(join(folder, 'busybox.tar'), { name: `${labRepository}/busybox:1`, files, entrypoint: ['/bin/busybox'] });
}
