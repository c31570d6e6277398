/** What was seen on one host before anything is touched. */
export interface HostProbe {
  readonly os: { readonly id: string; readonly version: string; readonly like: string; readonly title: string };
  readonly hasApt: boolean;
  readonly architecture: string;
  /** Name of process 1, and systemd's version where it is systemd. */
  readonly init: { readonly name: string; readonly version: number | undefined };
  /** Basic programs that are not there. */
  readonly missingTools: readonly string[];
  /** "systemd-nspawn", "docker", …; none on a machine. */
  readonly container: string | undefined;
  readonly machineId: string;
  readonly openFiles: number;
  /** Bytes. */
  readonly memory: number;
  readonly selinuxEnforcing: boolean;
  /** By folder. */
  readonly places: ReadonlyMap<string, Place>;
  readonly addresses: readonly { readonly interface: string; readonly address: string; readonly prefix: number }[];
  /** Interface → MAC. */
  readonly links: ReadonlyMap<string, string>;
  readonly listeners: readonly Listener[];
  /** Services that could be in the way and are loaded. */
  readonly units: readonly { readonly unit: string; readonly active: boolean; readonly ours: boolean }[];
  /** Folders with another cluster's data or settings. */
  readonly remains: readonly string[];
  /** The cluster that the host belongs to. */
  readonly identity: { readonly cluster: string; readonly id: string; readonly virtualRouterId: number } | undefined;
  /** Names of users whose group of the same name is missing. */
  readonly usersWithoutGroup: readonly string[];
  /** Installed version, or the one that would be installed. */
  readonly packages: ReadonlyMap<string, string>;
  readonly heldPackages: ReadonlySet<string>;
  readonly unattendedUpgrades: boolean;
  /** Active service that keeps the time. */
  readonly timeService: string | undefined;
  readonly firewall: string | undefined;
  /** Not measured where undefined. */
  readonly disk: DiskSpeed | Failure | undefined;
  /** MACs that answered for each VIP; undefined where it was not asked. */
  readonly arp: ReadonlyMap<string, readonly string[]> | Failure | undefined;
  readonly vrrp: readonly HeardRouter[] | Failure | undefined;
}

export interface Place {
  /** Bytes. */
  readonly free: number;
  readonly writable: boolean;
  /** Programs can be run from there. */
  readonly executable: boolean;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** systemd unit or process. */
  readonly by: string;
}

/** Milliseconds that a synced write of 4 KiB took. */
export interface DiskSpeed {
  readonly samples: number;
  readonly median: number;
  readonly p99: number;
}

export interface HeardRouter {
  readonly id: number;
  readonly from: string;
}

/** It could not be looked at. */
export interface Failure {
  readonly failed: string;
}

/** Turns the lines of `probeScript` into a probe; undefined where they were cut short. */
export function parseProbe(output: string): HostProbe | undefined {
  const lines = output.split('\n').map((line) => line.split('\t'));
  const all = (kind: string) => lines.filter(([first]) => first === kind).map((fields) => fields.slice(1).map((field) => field.trim()));
  const first = (kind: string) => all(kind)[0] ?? [];
  const words = (kind: string) => all(kind).map(([word]) => word!);
  if (all('end').length === 0) return undefined;
  const [id = '', version = '', like = '', title = ''] = first('os');
  const [initName = '', initVersion] = first('init');
  const [identity] = first('identity');
  return {
    os: { id, version, like, title: title || `${id} ${version}`.trim() },
    hasApt: words('apt').length > 0,
    architecture: first('arch')[0] ?? '',
    init: { name: initName, version: Number.parseInt(initVersion ?? '', 10) || undefined },
    missingTools: words('missing'),
    container: words('container')[0],
    machineId: first('machine')[0] ?? '',
    openFiles: Number(first('openfiles')[0]) || 0,
    memory: Number(first('memory')[0]) * 1024 || 0,
    selinuxEnforcing: first('selinux')[0] === '1',
    places: new Map(all('place').map(([path, free, writable, executable]) => [path!, { free: Number(free) * 1024 || 0, writable: writable === 'yes', executable: executable === 'yes' }])),
    addresses: all('address').map(([name, cidr = '']) => ({ interface: name!, address: cidr.split('/')[0]!, prefix: Number(cidr.split('/')[1] ?? 32) })),
    links: new Map(all('link').map(([name, mac]) => [name!, mac!.toLowerCase()])),
    listeners: all('listen').map(([socket = '', by = '']) => ({ address: socket.slice(0, socket.lastIndexOf(':')).replace(/%.*$/, ''), port: Number(socket.slice(socket.lastIndexOf(':') + 1)), by })),
    units: all('unit').map(([unit, active, ours]) => ({ unit: unit!, active: active === 'active', ours: ours === 'yes' })),
    remains: words('remains'),
    identity: parseIdentity(identity),
    usersWithoutGroup: words('nogroup'),
    packages: new Map(all('package').map(([name, found]) => [name!, found!])),
    heldPackages: new Set(words('held')),
    unattendedUpgrades: words('unattended').length > 0,
    timeService: words('time')[0],
    firewall: words('firewall')[0],
    disk: measured(first('disk'), ([samples, median, p99]) => ({ samples: Number(samples), median: Number(median), p99: Number(p99) })),
    arp: measured(first('arp'), () => new Map(all('arp').map(([vip, ...macs]) => [vip!, macs.filter((mac) => mac !== '')]))),
    vrrp: measured(first('vrrp'), () => all('vrrp').flatMap(([router, from]) => (router === 'listened' ? [] : [{ id: Number(router), from: from! }]))),
  };
}

function measured<T>(fields: readonly string[], read: (fields: readonly string[]) => T): T | Failure | undefined {
  if (fields.length === 0) return undefined;
  return fields[0] === 'failed' ? { failed: fields[1] ?? '' } : read(fields);
}

function parseIdentity(base64: string | undefined): HostProbe['identity'] {
  if (!base64) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString()) as HostProbe['identity'];
  } catch {
    return { cluster: 'unreadable', id: '', virtualRouterId: 0 };
  }
}
