import type { ComponentDesign } from '../../render/design.ts';
import { keeperFolder } from '../../render/paths.ts';
import { ownProgramsOf } from '../plan/follower-remains.ts';
import { keeperStamp } from './keeper-stamp.ts';

/** Shell lines that take away each kubekeep on a host that none of its components runs. */
export function cleanPrograms(designs: readonly ComponentDesign[]): string {
  const [used] = ownProgramsOf(designs);
  if (used === undefined) return `rm -rf ${keeperFolder} ${keeperStamp}`;
  return `for f in ${keeperFolder}/*; do [ "$f" = ${used} ] || rm -rf "$f"; done`;
}
