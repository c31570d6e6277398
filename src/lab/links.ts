import { KubekeepError } from '../lib/errors.ts';
import { withLock } from './_lock.ts';
import { readInterfaces } from './_network.ts';
import { attempt, tool } from './_tool.ts';
import { addCuts, cutRules, parseCuts, withoutCuts, type Cut } from './cut-rules.ts';
import { findMachine, thisComputer, type Lab } from './lab.ts';

export interface CutOptions {
  /** Only what `from` sends is lost; default both ways. */
  readonly oneWay?: boolean | undefined;
  /** The sender is told (TCP reset, "host unreachable"); default silence. */
  readonly reject?: boolean | undefined;
}

/**
 * Cuts the link between two machines, or a machine and `thisComputer`, at once, also for connections that are open. It stays cut when they
 * are switched off and on. Returns all cuts of the lab. Throws `lab-missing` or `usage`.
 */
export async function cut(lab: Lab, from: string, to: string, { oneWay = false, reject = false }: CutOptions = {}): Promise<readonly Cut[]> {
  checkEnds(lab, [from, to]);
  if (from === to) throw new KubekeepError('usage', `a link has two ends; ${from} was named twice`);
  const action = reject ? 'reject' : 'drop';
  const added: Cut[] = [{ from, to, action }, ...(oneWay ? [] : [{ from: to, to: from, action } as const])];
  return change(lab, (cuts) => addCuts(cuts, added));
}

/** Heals the link between two machines, all links of one, or without names everything. Returns the cuts that are left. Throws `lab-missing`. */
export async function heal(lab: Lab, ...names: readonly string[]): Promise<readonly Cut[]> {
  checkEnds(lab, names);
  return change(lab, (cuts) => withoutCuts(cuts, names));
}

/** The cuts of a lab, from the kernel. */
export async function readCuts(lab: Lab): Promise<readonly Cut[]> {
  const { exitCode, stdout } = await attempt('nft', ['--json', 'list', 'table', 'bridge', lab.table]);
  return exitCode === 0 ? parseCuts(stdout) : [];
}

/** Puts the rejecting rules back on a cable that a boot made anew. Returns all cuts. */
export async function renewCuts(lab: Lab): Promise<readonly Cut[]> {
  return (await readCuts(lab)).length > 0 ? change(lab, (cuts) => cuts) : [];
}

/** Removes the tables of a lab; nothing happens where there are none. */
export async function removeTables(table: string): Promise<void> {
  for (const family of ['bridge', 'netdev', 'ip']) await attempt('nft', ['delete', 'table', family, table]);
}

async function change(lab: Lab, changed: (cuts: readonly Cut[]) => readonly Cut[]): Promise<readonly Cut[]> {
  return withLock({ scope: `links of ${lab.bridge}` }, async () => {
    const cuts = changed(await readCuts(lab));
    const interfaces = new Set((await readInterfaces()).map(({ name }) => name));
    await tool('nft', ['-f', '-'], { input: cutRules(lab, cuts, interfaces) });
    return cuts;
  });
}

function checkEnds(lab: Lab, names: readonly string[]): void {
  for (const name of names) if (name !== thisComputer) findMachine(lab, name);
}
