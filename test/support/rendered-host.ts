import { parse } from 'yaml';
import { describeHosts } from '../../src/cluster/topologies.ts';
import type { Cluster } from '../../src/cluster/cluster.ts';
import { materialize } from '../../src/operations/step-script.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import type { Renderer } from '../../src/render/design.ts';
import { hostDesign } from '../../src/render/host-design.ts';
import { aHost, cluster, now } from './example-cluster.ts';

/** What kubekeep puts on a host, by path, with certificates and keys as they are issued. */
export type RenderedHost = ReadonlyMap<string, RenderedFile>;

export interface RenderedFile {
  readonly content: string;
  readonly mode: number;
  readonly owner: string;
}

/** The first host of three with all roles. */
export async function renderedHost(changes: Partial<Cluster> = {}, table?: readonly Renderer[]): Promise<RenderedHost> {
  return (await renderedHosts(changes, table))[0]!;
}

/** Three hosts with all roles. */
export async function renderedHosts(changes: Partial<Cluster> = {}, table?: readonly Renderer[]): Promise<RenderedHost[]> {
  const hosts = describeHosts('T3').map(({ name, roles }, position) => aHost({ name, roles, address: `10.0.0.${11 + position}` }));
  const three: Cluster = { ...cluster, hosts, ...changes };
  const secrets = await createSecrets(three.name, now);
  const facts = { vipInterface: 'eth0', virtualRouterId: 51, openFiles: 65536, etcdInitialState: 'new', containers: { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' }, podNetworks: undefined } as const;
  return Promise.all(three.hosts.map(async (host) => {
    const components = hostDesign({ cluster: three, host, secrets, sealed: 'sealed', facts }, table);
    const made = await Promise.all(components.map((design) => materialize(design, design.files.map(({ path }) => path), secrets, now)));
    return new Map(made.flatMap(({ files }) => files).map(({ path, content, mode, owner = 'root:root' }) => [path, { content: String(content), mode, owner }]));
  }));
}

/** The value of a program's flag in its unit; undefined where it is not given. */
export function flagOf(host: RenderedHost, unit: string, flag: string): string | undefined {
  return flagsOf(host, unit).get(flag);
}

export function flagsOf(host: RenderedHost, unit: string): ReadonlyMap<string, string> {
  const text = host.get(unitPath(unit))?.content ?? '';
  return new Map([...text.matchAll(/^ {2}"?--([a-z0-9-]+)=(.*?)"?(?: \\)?$/gm)].map(([, flag = '', value = '']) => [flag, value]));
}

/** All values of an option in a unit. */
export function optionsOf(host: RenderedHost, unit: string, option: string): readonly string[] {
  const text = host.get(unitPath(unit))?.content ?? '';
  return [...text.matchAll(new RegExp(`^${option}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

/** What a YAML file says at a path of keys; undefined where it says nothing. */
export function settingOf(host: RenderedHost, path: string, keys: readonly string[]): unknown {
  const document: unknown = parse(host.get(path)?.content ?? '');
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

export function unitPath(unit: string): string {
  return `/etc/systemd/system/${unit}.service`;
}
