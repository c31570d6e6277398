import { join } from 'node:path';
import type { Cluster } from '../../cluster/cluster.ts';
import { createLab } from '../../lab/create-lab.ts';
import { destroyLab } from '../../lab/destroy-lab.ts';
import { loginOf, type Lab } from '../../lab/lab.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { readRecords } from '../../lab/registry.ts';
import { parallel } from '../../lib/parallel.ts';
import { apply } from '../../operations/apply.ts';
import type { Operation } from '../../operations/operation.ts';
import { stateFolder, type StateFolder } from '../../operations/state.ts';
import { openStage } from '../open-stage.ts';
import type { Setup } from '../setups/setup.ts';
import type { LabStage } from '../stage.ts';

/** A set-up on machines of its own, which are without power unless it is its turn. */
export interface Contender {
  readonly setup: Setup;
  readonly stage: LabStage;
}

export interface MakeContender {
  /** The cluster that it is compared with, on machines of a lab. */
  readonly stage: LabStage;
  readonly setup: Setup;
  /** Its own, so that it makes the same choices as the others with the same seed. */
  readonly draw: () => number;
  readonly runtimeFolder: string;
  readonly raiseLimits: boolean;
  /** An operation on other hosts. */
  readonly connect: (cluster: Cluster, state: StateFolder) => Operation & AsyncDisposable;
}

/**
 * The same cluster file on a second set of machines, configured in another way and built; its machines are switched off then. Throws what making a lab and
 * `apply` throw. Disposed, it is removed with everything on it.
 */
export async function makeContender({ stage: { lab, operation }, setup, draw, runtimeFolder, raiseLimits, connect }: MakeContender): Promise<Contender & AsyncDisposable> {
  const { progress, signal, state } = operation;
  const name = labOf(lab, setup);
  const remove = async () => {
    if ((await readRecords(runtimeFolder)).some((record) => record.lab.name === name)) await destroyLab(name, { runtimeFolder, progress });
  };
  // What a comparison that was killed left.
  await remove();
  progress({ type: 'note', title: `${setup.id}: ${setup.title}` });
  const made = await createLab({ name, directory: join(state.path, 'contenders', setup.id), image: lab.image, machines: lab.machines, diskSize: lab.diskSize, runtimeFolder, raiseLimits, progress, signal, alsoRemove: ['.kubekeep'] });
  try {
    const cluster = clusterOn(made, operation.cluster, setup);
    const theirs = connect(cluster, stateFolder(made.directory, cluster.name));
    await apply(theirs, { confirm: () => Promise.resolve(true) });
    const contender: Contender = { setup, stage: await openStage(theirs, await readRecords(runtimeFolder), draw) };
    await contender.stage.healthy();
    await switchOff(contender);
    return { ...contender, [Symbol.asyncDispose]: () => theirs[Symbol.asyncDispose]().then(remove) };
  } catch (caught) {
    await remove();
    throw caught;
  }
}

export async function switchOn({ stage }: Contender): Promise<void> {
  const { lab, operation: { signal } } = stage;
  await parallel(lab.machines, ({ name }) => powerOn(lab, name, { signal }));
  await stage.healthy();
}

export async function switchOff({ stage: { lab } }: Pick<Contender, 'stage'>): Promise<void> {
  await parallel(lab.machines, ({ name }) => powerOff(lab, name));
}

/** Names of labs have up to 32 characters. */
function labOf({ name }: Lab, { id }: Setup): string {
  return `${name.slice(0, 31 - id.length).replace(/-$/, '')}-${id}`;
}

/**
 * The cluster on other machines of the same names; the VIP has the same place in their network.
 * @internal also for tests
 */
export function clusterOn(lab: Lab, cluster: Cluster, { port = cluster.endpoint.port }: Pick<Setup, 'port'>): Cluster {
  const vip = lab.gateway.replace(/\.\d+$/, `.${cluster.endpoint.vip.split('.').at(-1)}`);
  return {
    ...cluster,
    name: lab.name,
    endpoint: { ...cluster.endpoint, vip, port, previousVips: [] },
    hosts: cluster.hosts.map((host) => {
      const machine = lab.machines.find(({ name }) => name === host.name)!;
      return { ...host, address: machine.address, ssh: loginOf(lab, machine) };
    }),
  };
}
