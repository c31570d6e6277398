import { readFile } from 'node:fs/promises';
import type { Aim, Fault } from '../../drills/faults/fault.ts';
import { holdDrills } from '../../drills/hold-drills.ts';
import { openPermittedStage } from '../../drills/open-permitted-stage.ts';
import { openStage } from '../../drills/open-stage.ts';
import type { Stage } from '../../drills/stage.ts';
import { thisLab } from '../../drills/this-lab.ts';
import { readRecords } from '../../lab/registry.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Cli } from '../cli.ts';
import { refuseUnhealthy } from './_drill.ts';

export interface DrillFlags {
  readonly permit?: string;
  readonly yes?: boolean;
  readonly all?: boolean;
  readonly pairs?: string;
}

interface OpenDrill extends AsyncDisposable {
  readonly stage: Stage;
  /** Outside a lab: chooses the victims of a run and asks the user. */
  readonly aim?: (fault: Fault) => Promise<Aim>;
}

/** Where drills are run: at once on a lab of this computer, elsewhere with a permit. Throws `drill-refused` with nothing touched, `needs-confirmation` later. */
export async function openDrill(cli: Cli, operation: Operation, faults: readonly Fault[], draw: () => number, { permit, yes = false, all = false, pairs }: DrillFlags): Promise<OpenDrill> {
  const records = await readRecords(cli.environment.runtimeFolder);
  const { name } = operation.cluster;
  const lab = thisLab(operation.cluster, records);
  if (lab) {
    await using unlessReturned = new AsyncDisposableStack();
    unlessReturned.use(await holdDrills(lab, cli.environment.runtimeFolder));
    const stage = await openStage(operation, records, draw);
    await refuseUnhealthy(stage);
    const held = unlessReturned.move();
    return { stage, [Symbol.asyncDispose]: () => held.disposeAsync() };
  }
  if (all || pairs !== undefined) throw new KubekeepError('drill-refused', `${name} is no cluster of a lab on this computer, and --all and --pairs are for labs`, { hint: 'Outside a lab, name the faults that a permit allows.' });
  if (permit === undefined) {
    throw new KubekeepError('drill-refused', `${name} is no cluster of a lab on this computer: a drill there breaks it for its users and needs a permit`, { hint: `kubekeep drill permit --faults ${faults.map(({ id }) => id).join(',')} --hours 2 signs one, for drill run --permit FILE; kubekeep lab up makes machines for drills.` });
  }
  const text = await readFile(permit, 'utf8').catch((cause: unknown) => {
    throw new KubekeepError('file-missing', `the permit ${permit} cannot be read`, { hint: 'kubekeep drill permit signs one.', cause });
  });
  const opened = await openPermittedStage(operation, { permit: text, faults, draw, agree: (radius) => agree(cli, radius, yes) });
  await using unlessReturned = new AsyncDisposableStack();
  unlessReturned.use(opened);
  await refuseUnhealthy(opened.stage);
  unlessReturned.move();
  return opened;
}

async function agree(cli: Cli, radius: readonly string[], yes: boolean): Promise<void> {
  if (!cli.environment.interactive || yes) for (const title of radius) cli.progress({ type: 'note', title });
  if (yes || (await cli.confirm(`${radius.join('\n')}\nBegin?`))) return;
  throw new KubekeepError('needs-confirmation', 'the drill was not confirmed; nothing was broken', { hint: 'Confirm it on a terminal, or give --yes.' });
}
