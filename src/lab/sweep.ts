import { hasSystemd } from './_boot.ts';
import { listCgroups, removeCgroups } from './_cgroups.ts';
import { readMounts, unmount } from './_mounts.ts';
import { readInterfaces, removeInterface } from './_network.ts';
import { removeNspawnState } from './_nspawn-state.ts';
import { findOwnDisks } from './_own-disk.ts';
import { findMachineProcesses, killMachine } from './_processes.ts';
import { thaw } from './_stalls.ts';
import { attempt, tool } from './_tool.ts';
import { removeTables } from './links.ts';
import { runtimeTag } from './layout.ts';

/**
 * Removes what labs of this run-time folder left on the computer without a registry entry: machines, cables, bridges, mounts, cgroups, tables. All
 * of them carry the folder's tag in their names. Returns what was found, in words.
 */
export async function sweepStrays(runtimeFolder: string): Promise<readonly string[]> {
  const tag = runtimeTag(runtimeFolder);
  const found: string[] = [];
  const machineIds = new Set([
    ...(await findMachineProcesses((id) => id.startsWith(tag))).map(({ machineId }) => machineId),
    ...[...(await listCgroups())].filter((id) => id.startsWith(tag)),
  ]);
  for (const disk of await findOwnDisks(tag)) await thaw(disk);
  for (const machineId of machineIds) {
    found.push(`machine ${machineId}`);
    await removeInterface(`vb-${machineId}`);
    await killMachine(machineId);
    if (await hasSystemd()) await attempt('systemctl', ['stop', `kubekeep-lab-${machineId}.service`]);
    await removeNspawnState(machineId);
    await removeCgroups(machineId);
  }
  const inBay = new RegExp(`/${tag}[0-9a-f]{6}\\.bay(/|$)`);
  const mounts = (await readMounts()).filter(({ source, target }) => (source.startsWith(tag) && source.length === machineIdLength) || inBay.test(target));
  for (const { target } of mounts.reverse()) {
    found.push(`mount ${target}`);
    await unmount(target);
  }
  for (const { name } of await readInterfaces()) {
    if (!name.startsWith(`vb-${tag}`) && !new RegExp(`^${tag}[0-9a-f]{4}$`).test(name)) continue;
    found.push(`interface ${name}`);
    await removeInterface(name);
  }
  for (const table of await listTables(`kubekeep_${tag}_`)) {
    found.push(`table ${table}`);
    await removeTables(table);
  }
  return found;
}

const machineIdLength = 12;

async function listTables(prefix: string): Promise<readonly string[]> {
  const { nftables } = JSON.parse(await tool('nft', ['--json', 'list', 'tables'])) as { nftables: { table?: { name: string } }[] };
  return [...new Set(nftables.flatMap(({ table }) => (table?.name.startsWith(prefix) ? table.name : [])))];
}
