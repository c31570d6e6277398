/** What a restore changes for those who live in the cluster. Names only: of values nothing is known. */
export interface StateChanges {
  /** By resource, those with the most changes first. */
  readonly resources: readonly ResourceChange[];
  /** Objects of resources that something outside etcd follows, by name. */
  readonly named: readonly NamedChange[];
  /** CronJobs of then: each whose time came since may run once as soon as the controllers work. */
  readonly cronJobs: readonly string[];
}

export interface ResourceChange {
  readonly resource: string;
  /** There now and not at the point. */
  readonly gone: number;
  /** At the point and deleted since. */
  readonly back: number;
  /** Written since: they have the content of then again. */
  readonly older: number;
}

export interface NamedChange {
  readonly resource: string;
  readonly gone: readonly string[];
  readonly back: readonly string[];
}

/** What machines, disks and people hold on to. */
const named: readonly string[] = ['nodes', 'persistentvolumes', 'persistentvolumeclaims', 'volumeattachments', 'pods', 'certificatesigningrequests', 'namespaces'];
/** Whose every write means nothing here. */
const restless: ReadonlySet<string> = new Set(['events', 'leases', 'masterleases', 'peerserverleases', 'leasecandidates']);

/** Compares keys of etcd with the revisions that wrote them last: at a point, and now. Pure. */
export function changesOf(then: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): StateChanges {
  const counts = new Map<string, { gone: string[]; back: string[]; older: number }>();
  const of = (resource: string) => counts.get(resource) ?? counts.set(resource, { gone: [], back: [], older: 0 }).get(resource)!;
  for (const [key, object] of objects(now)) {
    const before = then.get(key);
    if (before === undefined) of(object.resource).gone.push(object.name);
    else if (before !== now.get(key)) of(object.resource).older += 1;
  }
  for (const [key, object] of objects(then)) if (!now.has(key)) of(object.resource).back.push(object.name);
  const resources = [...counts].map(([resource, { gone, back, older }]) => ({ resource, gone: gone.length, back: back.length, older }));
  const sum = ({ gone, back, older }: ResourceChange) => gone + back + older;
  return {
    resources: resources.toSorted((one, other) => sum(other) - sum(one) || one.resource.localeCompare(other.resource)),
    named: named.flatMap((resource) => {
      const { gone = [], back = [] } = counts.get(resource) ?? {};
      return gone.length + back.length === 0 ? [] : [{ resource, gone, back }];
    }),
    cronJobs: [...objects(then)].filter(([, { resource }]) => resource === 'cronjobs').map(([, { name }]) => name),
  };
}

/** Keys of API servers and of those who lead: what they say of holders is wrong for whoever comes up with it. */
export function holderKeys(keys: Iterable<string>): string[] {
  const holders = /^\/registry\/(masterleases\/|peerserverleases\/|leases\/kube-system\/(kube-controller-manager|kube-scheduler|apiserver-[^/]*)$)/;
  return [...keys].filter((key) => holders.test(key));
}

interface Named {
  readonly resource: string;
  /** With its namespace, where it has one. */
  readonly name: string;
}

function* objects(keys: ReadonlyMap<string, number>): Generator<readonly [string, Named]> {
  for (const key of keys.keys()) {
    const object = objectOf(key);
    if (object && !restless.has(object.resource)) yield [key, object];
  }
}

/** Resources whose keys are not named like them. */
const aliases: Readonly<Record<string, string>> = { minions: 'nodes', controllers: 'replicationcontrollers' };

/** `/registry/RESOURCE/[NAMESPACE/]NAME`, services with one part more, and `/registry/GROUP/RESOURCE/…` for custom resources. */
function objectOf(key: string): Named | undefined {
  const [empty, registry, first = '', ...rest] = key.split('/');
  if (empty !== '' || registry !== 'registry' || rest.length === 0) return undefined;
  if (first === 'services') return { resource: rest[0] === 'endpoints' ? 'endpoints' : 'services', name: rest.slice(1).join('/') };
  if (first.includes('.')) return { resource: `${rest[0]}.${first}`, name: rest.slice(1).join('/') };
  return { resource: aliases[first] ?? first, name: rest.join('/') };
}
