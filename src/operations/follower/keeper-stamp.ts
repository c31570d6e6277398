import { keeperFolder, keeperMetrics, stateFolder } from '../../render/paths.ts';

/** What was seen of the files of the program when it was unpacked: it is compared with what is there, instead of reading all of it. */
export const keeperStamp = `${stateFolder}/keeper.stamp`;

/** A shell command that prints names, inodes, sizes, modes, owners and change times of all files of a folder, shortened to a hash. */
export function stampOf(folder: string): string {
  return `find ${folder} -mindepth 1 -printf '%P %i %s %m %U %C@\\n' | sort | sha256sum | cut -d' ' -f1`;
}

/** Shell lines that tell which programs of followers are on a host, and what the one that runs says of itself. */
export const followerFacts = `for f in ${keeperFolder}/*; do
  [ -e "$f" ] || continue
  h=changed; [ -d "$f" ] && grep -qxF "\${f##*/} $(${stampOf('"$f"')})" ${keeperStamp} 2>/dev/null && h=\${f##*/}
  p program "$f" "$h"
done
[ -f ${keeperMetrics} ] && p follower "$(base64 -w0 < ${keeperMetrics})"`;
