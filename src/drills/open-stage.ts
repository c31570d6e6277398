import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { heal } from '../lab/links.ts';
import { powerOn } from '../lab/power.ts';
import type { LabRecord } from '../lab/registry.ts';
import { releaseDisk } from '../lab/stall.ts';
import { KubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { existingSecrets } from '../operations/existing-secrets.ts';
import type { Operation } from '../operations/operation.ts';
import { waitUntilHealthy } from '../operations/wait-until-healthy.ts';
import { disarmScript } from './dead-man.ts';
import { runAll } from './faults/_on-hosts.ts';
import { vipHolder, type LabStage, type Pending, type Reach, type Stage } from './stage.ts';
import { thisLab } from './this-lab.ts';

/** ms in which exactly one balancer has to hold the VIP. */
const patience = 30_000;

/** A cluster whose hosts are the machines of a lab of this computer. Throws `drill-refused` where they are not: nothing is touched then. */
export async function openStage(operation: Operation, records: readonly LabRecord[], draw: () => number): Promise<LabStage> {
  const lab = thisLab(operation.cluster, records);
  if (!lab) {
    throw new KubekeepError('drill-refused', `${operation.cluster.name} is no cluster of a lab on this computer: a drill there would break it for its users`, { hint: 'kubekeep lab up makes machines for drills.' });
  }
  const { secrets } = await existingSecrets(operation);
  const stage: LabStage = { ...stageOf({ operation, secrets }, draw), lab };
  await finishPending(stage);
  return stage;
}

/** A stage on hosts of which nothing is known but how to reach them. */
export function stageOf(reach: Reach & Pick<Stage, 'operation'>, draw: () => number): Stage {
  return { ...reach, draw, pendingFile: join(reach.operation.state.path, 'drills', 'pending.json'), healthy: (seconds = 120) => healthy(reach, seconds) };
}

/**
 * A drill that was killed may have left cables cut, machines off, and on the hosts what they would undo by themselves later. Throws `drill-refused`, once, where
 * the rest is for `apply`: nobody but the user runs it on this cluster.
 */
export async function finishPending(stage: Stage): Promise<void> {
  const { operation, lab, pendingFile } = stage;
  if (!existsSync(pendingFile)) return;
  const { fault, scripts, byApply = false } = JSON.parse(await readFile(pendingFile, 'utf8')) as Pending;
  operation.progress({ type: 'note', title: `an earlier drill was killed: ${byApply ? `${fault} is undone by kubekeep apply` : `undoing ${fault}`}${lab ? ', healing every cable, letting every disk go on and switching every machine on' : ''}` });
  if (lab) {
    await heal(lab);
    await parallel(lab.machines, ({ name }) => releaseDisk(lab, name));
    await parallel(lab.machines, ({ name }) => powerOn(lab, name, { signal: operation.signal }));
  }
  const victims = operation.cluster.hosts.filter(({ name }) => scripts[name] !== undefined);
  await runAll(stage, victims, ({ name }) => scripts[name]!);
  await runAll(stage, victims, () => disarmScript);
  await rm(pendingFile, { force: true });
  if (byApply) throw new KubekeepError('drill-refused', `an earlier drill was killed in the middle of ${fault}, which is undone by apply`, { hint: 'kubekeep status says what is wrong, and what has to be done by hand; kubekeep apply mends the rest. Then run this again.' });
}

async function healthy(reach: Reach, seconds: number): Promise<void> {
  const { clock } = reach.operation;
  // Without the drill's signal: after Ctrl-C the cluster is looked after to the end.
  await waitUntilHealthy({ ...reach.operation, signal: new AbortController().signal }, undefined, seconds);
  const deadline = clock.monotonic() + patience;
  for (;;) {
    try {
      await vipHolder(reach);
      return;
    } catch (caught) {
      if (clock.monotonic() > deadline) throw caught;
      await clock.sleep(500);
    }
  }
}
