import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Cluster } from '../../cluster/cluster.ts';
import { createLab } from '../../lab/create-lab.ts';
import { destroyLab } from '../../lab/destroy-lab.ts';
import { loginOf, type Lab } from '../../lab/lab.ts';
import { powerOff, powerOn } from '../../lab/power.ts';
import { readRecords, type LabRecord } from '../../lab/registry.ts';
import { KubekeepError } from '../../lib/errors.ts';
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
 * `apply` throw, and `lab-exists` where the lab of its name is another one. Disposed, it is removed with everything on it.
 */
export async function makeContender({ stage: { lab, operation }, setup, draw, runtimeFolder, raiseLimits, connect }: MakeContender): Promise<Contender & AsyncDisposable> {
  const { progress, signal } = operation;
  const { name, directory } = placeOf({ lab, operation }, setup);
  const remove = async () => {
    if (ownOf(await readRecords(runtimeFolder), { name, directory })) await destroyLab(name, { runtimeFolder, progress });
  };
  // What a comparison that was killed left.
  await remove();
  progress({ type: 'note', title: `${setup.id}: ${setup.title}` });
  const made = await createLab({ name, directory, image: lab.image, machines: lab.machines, diskSize: lab.diskSize, runtimeFolder, raiseLimits, progress, signal, alsoRemove: ['.kubekeep'] });
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

/** The lab of a contender, made or not. */
export function placeOf({ lab, operation: { state } }: Pick<LabStage, 'lab' | 'operation'>, setup: Setup): Pick<Lab, 'name' | 'directory'> {
  return { name: labOf(lab, setup), directory: join(state.path, 'contenders', setup.id) };
}

/**
 * Names of labs have up to 32 characters: of a long one the beginning, and a digest of all of it, lest two labs have the same contender.
 * @internal also for tests
 */
export function labOf({ name }: Pick<Lab, 'name'>, { id }: Pick<Setup, 'id'>): string {
  const longest = 31 - id.length;
  if (name.length <= longest) return `${name}-${id}`;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 6);
  return `${name.slice(0, longest - digest.length - 1).replace(/-+$/, '')}-${digest}-${id}`;
}

/** The lab of a contender, left or made by a comparison. Throws `lab-exists` where somebody else's has the name. */
export function ownOf(records: readonly Pick<LabRecord, 'lab'>[], { name, directory }: Pick<Lab, 'name' | 'directory'>): Lab | undefined {
  const lab = records.map((record) => record.lab).find((one) => one.name === name);
  if (!lab || lab.directory === directory) return lab;
  throw new KubekeepError('lab-exists', `there is a lab ${name} already, in ${lab.directory}, which is none of this comparison's`, { hint: `kubekeep lab down --name ${name} removes it.` });
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
