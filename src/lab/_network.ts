import { writeFile } from 'node:fs/promises';
import type { Lab } from './lab.ts';
import { bridgeMac, subnetNumberOf } from './layout.ts';
import { attempt, tool } from './_tool.ts';

/** Makes the lab's bridge with this computer's address on it. Safe to call again. */
export async function makeBridge(lab: Lab): Promise<void> {
  const there = await attempt('ip', ['link', 'show', 'dev', lab.bridge]);
  if (there.exitCode === 0) return;
  await tool('ip', ['link', 'add', 'name', lab.bridge, 'address', bridgeMac(lab), 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0']);
  await writeFile(`/proc/sys/net/ipv6/conf/${lab.bridge}/disable_ipv6`, '1').catch(() => {});
  await tool('ip', ['address', 'add', `${lab.gateway}/24`, 'dev', lab.bridge]);
  await tool('ip', ['link', 'set', 'dev', lab.bridge, 'up']);
}

/** Removes a bridge or a cable; nothing happens where there is none. */
export async function removeInterface(name: string): Promise<void> {
  await attempt('ip', ['link', 'delete', 'dev', name]);
}

export interface NetworkInterface {
  readonly name: string;
  readonly addresses: readonly string[];
}

export async function readInterfaces(): Promise<NetworkInterface[]> {
  const listed = JSON.parse(await tool('ip', ['-json', 'address', 'show'])) as { ifname?: string; addr_info?: { local?: string }[] }[];
  return listed.flatMap(({ ifname, addr_info = [] }) => (ifname ? [{ name: ifname, addresses: addr_info.flatMap(({ local }) => local ?? []) }] : []));
}

/** Numbers of the lab subnets that some interface of this computer lies in. */
export async function usedSubnets(): Promise<Set<number>> {
  const interfaces = await readInterfaces();
  return new Set(interfaces.flatMap(({ addresses }) => addresses.flatMap((address) => subnetNumberOf(address) ?? [])));
}
