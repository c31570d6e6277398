import { connectApi } from '../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../lib/errors.ts';
import { apiCertificate } from '../operations/clients.ts';
import { existingSecrets } from '../operations/existing-secrets.ts';
import { takeLock } from '../operations/lock.ts';
import { observe } from '../operations/observe.ts';
import type { Operation } from '../operations/operation.ts';
import { refuseOthers } from '../operations/state.ts';
import type { Aim, Fault } from './faults/fault.ts';
import { answeringDoors } from './open-probe-plan.ts';
import { finishPending, stageOf } from './open-stage.ts';
import { describeBlastRadius } from './permit/blast-radius.ts';
import { marginReason } from './permit/judge-margin.ts';
import { judgePermit } from './permit/judge-permit.ts';
import { doorsOf, standardLanes, vipDoor } from './probes/probe-plan.ts';
import type { Stage } from './stage.ts';

export interface PermittedStage extends AsyncDisposable {
  readonly stage: Stage;
  /** Chooses a fault's victims, looks anew whether it may be done to them, and asks. Throws `drill-refused`, or what `agree` throws. */
  aim(fault: Fault): Promise<Aim>;
}

export interface PermittedOptions {
  /** Text of the permit's file. */
  readonly permit: string;
  /** All that are to be run. */
  readonly faults: readonly Fault[];
  readonly draw: () => number;
  /** Shown the blast radius of each run before anything is touched; throws where nobody agrees. */
  readonly agree: (radius: readonly string[]) => Promise<void>;
}

/**
 * A stage on hosts that people use, for the faults that a permit names. The cluster's lock is held, so that neither an apply nor another drill runs beside it. Throws
 * `drill-refused` where the permit or the margin does not allow it, and what taking the lock throws.
 */
export async function openPermittedStage(operation: Operation, { permit, faults, draw, agree }: PermittedOptions): Promise<PermittedStage> {
  refuseLabOnly(faults);
  const { secrets } = await existingSecrets(operation);
  const refuseUnpermitted = (wanted: readonly Fault[]) => {
    const verdict = judgePermit(permit, { clusterId: secrets.clusterId, ca: secrets.authorities.kubernetes.certificate, faults: wanted.map(({ id }) => id), now: operation.clock.now() });
    if (!verdict.ok) throw new KubekeepError('drill-refused', `the permit ${verdict.reason}`, { hint: 'kubekeep drill permit --faults IDS --hours N signs a new one.' });
  };
  refuseUnpermitted(faults);
  await using opened = new AsyncDisposableStack();
  const lock = opened.use(await takeLock(operation.hosts, operation));
  const stage = stageOf({ operation: { ...operation, signal: AbortSignal.any([operation.signal, lock.lost]) }, secrets }, draw);
  await finishPending(stage);
  for (const fault of faults) await refuseWithoutMargin(stage, fault);
  await refuseUnreachable(stage);
  const held = opened.move();
  return {
    stage,
    async aim(fault) {
      await stage.healthy();
      refuseUnpermitted([fault]);
      await refuseWithoutMargin(stage, fault);
      const aim = await fault.aim(stage);
      refuseWithoutDeadMan(fault, aim);
      const doors = await answeringDoors(operation.cluster, operation.clock);
      await agree(describeBlastRadius({ cluster: operation.cluster.name, fault, aim, lanes: standardLanes(Object.keys(doors)) }));
      return aim;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Throws `drill-refused` where one of the faults is for labs alone. */
export function refuseLabOnly(faults: readonly Pick<Fault, 'id' | 'labOnly'>[]): void {
  const reasons = faults.flatMap(({ id, labOnly }) => (labOnly === undefined ? [] : [`${id} ${labOnly}`]));
  if (reasons.length > 0) throw new KubekeepError('drill-refused', `not outside a lab: ${reasons.join('; ')}`, { hint: 'kubekeep drill list says what each fault asks for; kubekeep lab up makes machines for drills.' });
}

/**
 * Throws `drill-refused` where a host that is touched would not undo the fault by itself.
 * @internal also for tests
 */
export function refuseWithoutDeadMan({ id }: Pick<Fault, 'id'>, { hosts, deadMan, dark = [] }: Pick<Aim, 'hosts' | 'deadMan' | 'dark'>): void {
  const alone = hosts.filter((host) => !deadMan?.has(host) || dark.includes(host));
  if (alone.length > 0) throw new KubekeepError('drill-refused', `nothing on ${alone.join(', ')} would undo ${id} if kubekeep were killed`, { hint: 'kubekeep lab up makes machines for such drills.' });
}

async function refuseWithoutMargin({ operation: { cluster, hosts, clock, signal }, secrets }: Stage, fault: Fault): Promise<void> {
  const facts = await observe(cluster, hosts, { clock, signal });
  refuseOthers(facts, secrets.clusterId);
  const reason = marginReason(cluster, facts, fault);
  if (reason) throw new KubekeepError('drill-refused', `${cluster.name} cannot spare what ${fault.id} takes: ${reason}`, { hint: 'kubekeep status says what is wrong; kubekeep apply mends it.' });
}

/** The prober asks from here and not by way of a host: where it reaches nobody, the harm would be done and nothing measured. */
async function refuseUnreachable({ operation: { cluster, clock }, secrets }: Stage): Promise<void> {
  const { address: host, port, serverName = host } = doorsOf(cluster)[vipDoor]!;
  const { certificate, privateKey: key } = await apiCertificate(secrets, clock.now());
  const api = connectApi({ connect: { host, port }, serverName, ca: secrets.authorities.kubernetes.certificate, certificate, key });
  try {
    await api.readyz();
  } catch (cause) {
    throw new KubekeepError('drill-refused', `this computer does not reach the API at ${host}:${port}, so nothing that clients feel could be measured: ${(cause as Error).message}`, { hint: 'Run the drill from a computer that uses the cluster.', cause });
  } finally {
    api.close();
  }
}
