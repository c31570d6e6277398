import { isLocked } from './_lock.ts';
import type { Cut } from './cut-rules.ts';
import type { Lab } from './lab.ts';
import { readCuts } from './links.ts';
import { machineState, type MachineState } from './power.ts';
import { readRecords } from './registry.ts';

export interface LabSummary {
  readonly lab: Lab;
  /** `being made` by a process that is still running, `incomplete` where that process died. */
  readonly state: 'ready' | 'being made' | 'incomplete';
  /** In the order of `lab.machines`. */
  readonly machines: readonly MachineState[];
  readonly cuts: readonly Cut[];
}

/** All labs of this computer as they are now. */
export async function listLabs(runtimeFolder: string): Promise<readonly LabSummary[]> {
  const records = await readRecords(runtimeFolder);
  return Promise.all(records.map(async ({ lab, state }) => ({
    lab,
    state: state === 'ready' ? 'ready' : (await isLocked({ runtimeFolder, scope: `lab ${lab.name}` })) ? 'being made' : 'incomplete',
    machines: await Promise.all(lab.machines.map(machineState)),
    cuts: await readCuts(lab),
  })));
}
