import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unmount } from './_mounts.ts';

const folder = '/run/systemd/nspawn';

/** Removes what a systemd-nspawn that was itself killed left of the machine in its run-time folder. `root` is the machine's root while it is mounted. */
export async function removeNspawnState(machineId: string, root?: string): Promise<void> {
  for (const kind of ['propagate', 'unix-export']) {
    const path = join(folder, kind, machineId);
    await unmount(path);
    await rm(path, { recursive: true, force: true });
  }
  const inode = root && (await stat(root).catch(() => undefined));
  if (inode) await rm(join(folder, 'locks', `inode-${inode.dev}:${inode.ino}`), { force: true });
}
