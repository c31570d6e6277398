import { followsLog, type Cluster, type HostSpec } from '../../cluster/cluster.ts';
import type { ComponentDesign } from '../../render/design.ts';
import { keeperFolder, keeperUnit, unitFolder } from '../../render/paths.ts';
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
export function followerRemains(cluster: Cluster, { host, found }: { readonly host: HostSpec; readonly found: HostFacts }, design: ComponentDesign | undefined): FollowerRemains {
  const present = [...found.programs.keys()].filter((path) => path.startsWith(`${keeperFolder}/`));
  if (!followsLog(cluster, host)) {
    const there = [...(found.files.has(`${unitFolder}/${keeperUnit}`) ? [keeperUnit] : []), ...present];
    return { unwanted: true, reasons: there.length === 0 ? [] : [`the cluster file does not want ${there[0]} any more`] };
  }
  // Without a design nothing can be said: this computer is not the owner of the repository.
  return { unwanted: false, reasons: design ? present.filter((path) => path !== design.programs[followerProgram]).map((path) => `${path} is not used`) : [] };
}

/** Why hosts that should follow do not, in sentences. */
export function followerWarnings(cluster: Cluster, facts: ClusterFacts, designs: ReadonlyMap<string, readonly ComponentDesign[]>): string[] {
  const has = (name: string) => designs.get(name)?.some((design) => design.name === 'keeper') === true;
  const without = cluster.hosts.filter((host) => followsLog(cluster, host) && reachable(facts.hosts.get(host.name)) && !has(host.name)).map(({ name }) => name);
  if (without.length === 0) return [];
  return [cluster.hosts.some(({ name }) => has(name)) ? `${without.join(', ')} cannot follow the log: kubekeep runs here on another architecture` : `nothing follows the log on ${without.join(', ')} yet: this computer has no keys of a backup repository. Run kubekeep backup init, then apply again`];
}
