import { followsLog, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import type { ComponentDesign } from '../../render/design.ts';
import { keeperFolder, keeperUnit, steerUnit, unitFolder } from '../../render/paths.ts';
import { reachable, type ClusterFacts, type HostFacts } from '../facts.ts';

/** Name under which a design and a plan speak of kubekeep itself as a program of hosts. */
export const followerProgram = 'kubekeep';

export interface FollowerRemains {
  /** Nothing of a follower should be there. */
  readonly unwanted: boolean;
  /** Why something is to be removed, in sentences; empty where nothing is. */
  readonly reasons: readonly string[];
}

/** What a host has of followers of the log that the cluster file does not want any more, or of an earlier program. */
export function followerRemains(cluster: Cluster, { host, found }: { readonly host: HostSpec; readonly found: HostFacts }, designs: readonly ComponentDesign[]): FollowerRemains {
  const unused = unusedPrograms(found, designs);
  const has = (unit: string) => found.files.has(`${unitFolder}/${unit}`);
  if (!followsLog(cluster, host)) {
    // What steers takes its own away.
    const there = [...(has(keeperUnit) ? [keeperUnit] : []), ...(has(steerUnit) || ownProgramsOf(designs).length > 0 ? [] : unused)];
    return { unwanted: true, reasons: there.length === 0 ? [] : [`the cluster file does not want ${there[0]} any more`] };
  }
  // Without a design nothing can be said: this computer is not the owner of the repository.
  return { unwanted: false, reasons: designs.some(({ name }) => name === 'keeper') ? unused.map((path) => `${path} is not used`) : [] };
}

/** Paths of kubekeep itself that components of a host run. */
export function ownProgramsOf(designs: readonly ComponentDesign[]): readonly string[] {
  return designs.flatMap(({ programs }) => programs[followerProgram] ?? []);
}

/** Each kubekeep on a host that none of its components runs. */
export function unusedPrograms({ programs }: HostFacts, designs: readonly ComponentDesign[]): readonly string[] {
  const used = ownProgramsOf(designs);
  return [...programs.keys()].filter((path) => path.startsWith(`${keeperFolder}/`) && !used.includes(path));
}

/** Why hosts that should follow do not, in sentences. */
export function followerWarnings(cluster: Cluster, facts: ClusterFacts, designs: ReadonlyMap<string, readonly ComponentDesign[]>): string[] {
  const has = (name: string) => designs.get(name)?.some((design) => design.name === 'keeper') === true;
  const without = cluster.hosts.filter((host) => followsLog(cluster, host) && reachable(facts.hosts.get(host.name)) && !has(host.name)).map(({ name }) => name);
  if (without.length === 0) return [];
  return [cluster.hosts.some(({ name }) => has(name)) ? `${without.join(', ')} cannot follow the log: kubekeep runs here on another architecture` : `nothing follows the log on ${without.join(', ')} yet: this computer has no keys of a backup repository. Run kubekeep backup init, then apply again`];
}
