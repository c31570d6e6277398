import { posix } from 'node:path';
import { etcdDataFolder } from '../render/paths.ts';

/**
 * Shell lines that put etcd's data aside, under a name beside its folder. A folder is renamed; a file system of its own that is mounted there stays, and the data moves into a folder on it. `aside`: a path that may have
 * substitutions of the shell. Nothing is deleted.
 */
export function setAsideScript(aside: string): string {
  return `if mountpoint -q ${etcdDataFolder}; then
  K=${etcdDataFolder}/${posix.basename(aside)}; mkdir -p -m 0700 "$K" && mv -T ${etcdDataFolder}/member "$K/member" && sync ${etcdDataFolder} || exit 1
else
  mv -T ${etcdDataFolder} ${aside} && sync ${posix.dirname(etcdDataFolder)} || exit 1
fi`;
}
