import { reachable, type ClusterFacts } from '../facts.ts';

/** Hosts with a note of a restore of the whole cluster that nobody knows to be over. One that was away when it ended has a note that says nothing any more. */
export function hostsRestoring(facts: ClusterFacts): string[] {
  const ended = endedRestores(facts);
  const goesOn = (record: string) => {
    const id = idIn(record);
    return id === undefined || !ended.has(id);
  };
  return [...facts.hosts].flatMap(([name, found]) => (reachable(found) && found.restoring !== undefined && goesOn(found.restoring) ? [name] : []));
}

/** Ids of the restores that are over, as any host knows it: a majority of the etcd hosts is told, so that one of every other majority knows. */
export function endedRestores({ hosts }: ClusterFacts): ReadonlySet<string> {
  return new Set([...hosts.values()].flatMap((found) => (reachable(found) ? found.endedRestores : [])));
}

/** None where the record cannot be read, which is not passed over. */
function idIn(record: string): string | undefined {
  try {
    return (JSON.parse(record) as { id?: string } | null)?.id;
  } catch {
    return undefined;
  }
}
