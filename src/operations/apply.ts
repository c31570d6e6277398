import { KubekeepError, toKubekeepError } from '../lib/errors.ts';
import { parallel } from '../lib/parallel.ts';
import { reachable } from './facts.ts';
import { openJournal, type Journal } from './journal.ts';
import { takeLock } from './lock.ts';
import type { Operation } from './operation.ts';
import { finish } from './phases/finish.ts';
import { formEtcd } from './phases/form-etcd.ts';
import { joinEtcd } from './phases/join-etcd.ts';
import { performComponent } from './phases/perform-component.ts';
import { prepareHost } from './phases/prepare-host.ts';
import { rollHost } from './phases/roll-host.ts';
import type { Work } from './phases/work.ts';
import { isEmpty, type PhasePlan, type Plan, type Step } from './plan/plan.ts';
import { preparePlan, wantedPrograms, type PreparedPlan } from './prepare-plan.ts';
import { saveSecrets } from './state.ts';

export interface ApplyOptions {
  /** Shown the plan before anything is touched; false ends the operation with `needs-confirmation`. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

export interface ApplyResult {
  readonly plan: Plan;
  /** Steps that were performed. */
  readonly changes: number;
}

/**
 * Makes the hosts what the cluster file says. Stops at the first host that does not come back; run again, it goes on from what it then sees.
 * Throws what its steps throw, `lock-held`, `needs-confirmation`, `cluster-mismatch`.
 */
export async function apply(operation: Operation, { confirm }: ApplyOptions): Promise<ApplyResult> {
  const first = await preparePlan(operation);
  refuseBuildWithMissingHosts(first);
  if (isEmpty(first.plan)) return { plan: first.plan, changes: 0 };
  if (!(await confirm(first.plan))) throw new KubekeepError('needs-confirmation', 'nothing was changed: the plan was not confirmed', { hint: 'Run it on a terminal and answer yes, or give --yes.' });
  const programs = await operation.fetchPrograms(wantedPrograms(operation.cluster, first.designs, first.facts));
  await saveSecrets(operation.state, first.opened);
  await using lock = await takeLock(operation.hosts, operation);
  const signal = AbortSignal.any([operation.signal, lock.lost]);
  const held: Operation = { ...operation, signal };
  // What was seen before the lock may have changed meanwhile.
  const prepared = await preparePlan(held);
  const journal = openJournal(operation.state.journal, 'apply', operation.user, operation.clock.now);
  await journal({ event: 'began', detail: `${stepsOf(prepared.plan).length} steps` });
  try {
    const work: Work = { ...held, prepared, programs, token: lock.token, journal };
    for (const phase of prepared.plan.phases) await perform(phase, work);
    await journal({ event: 'ended' });
  } catch (caught) {
    const error = toKubekeepError(lock.lost.aborted ? lock.lost.reason : operation.signal.aborted ? operation.signal.reason : caught);
    await journal({ event: 'failed', detail: `${error.code}: ${error.message}` });
    throw error;
  }
  refuseLeftOut(prepared);
  return { plan: prepared.plan, changes: stepsOf(prepared.plan).length };
}

function stepsOf({ phases }: Plan): Step[] {
  return phases.flatMap(({ steps }) => steps);
}

async function perform(phase: PhasePlan, work: Work): Promise<void> {
  const byHost = Map.groupBy(phase.steps, ({ host }) => host);
  const spec = (name: string) => work.cluster.hosts.find((host) => host.name === name)!;
  if (phase.order === 'all hosts together') {
    await parallel([...byHost], async ([, steps]) => {
      for (const step of steps) await tracked(step, work, () => performTogether(step, work));
    });
    if (phase.name === 'etcd') await formEtcd(work);
    return;
  }
  for (const [host, steps] of byHost) {
    work.signal.throwIfAborted();
    if (phase.name === 'finish') await tracked(steps[0]!, work, () => finish(work));
    else await rollHost(work, spec(host), steps, (step, run) => tracked(step, work, run));
  }
}

async function performTogether(step: Step, work: Work): Promise<void> {
  if (step.component === 'system') return prepareHost(step, work);
  if (step.action === 'join') return joinEtcd(step, work);
  return performComponent(step, work, { wait: false });
}

/** Tells and notes the beginning and the end of a step. Ctrl-C takes effect between steps. */
async function tracked(step: Step, { progress, journal, clock, signal }: Work & { journal: Journal }, run: () => Promise<void>): Promise<void> {
  signal.throwIfAborted();
  const about = { host: step.host, step: step.id, title: step.title };
  progress({ type: 'started', ...about, detail: step.reasons.length > 2 ? `${step.reasons[0]} and ${step.reasons.length - 1} more` : step.reasons.join('; ') });
  const start = clock.monotonic();
  try {
    await run();
  } catch (error) {
    progress({ type: 'failed', ...about });
    await journal({ event: 'step failed', step: step.id, detail: toKubekeepError(error).message });
    throw error;
  }
  progress({ type: 'done', ...about, detail: `${((clock.monotonic() - start) / 1000).toFixed(1)} s` });
  await journal({ event: 'step done', step: step.id });
}

/** A new cluster needs all of its members; a host that is missing then would be left out for ever. */
function refuseBuildWithMissingHosts({ plan, facts }: PreparedPlan): void {
  if (plan.mode !== 'build') return;
  for (const [name, found] of facts.hosts) {
    if (!found.reachable) throw new KubekeepError('host-unreachable', `the cluster cannot be built without ${name}: ${found.reason}`, { hint: 'Bring the host up, or take it out of the cluster file.' });
  }
}

function refuseLeftOut({ facts }: PreparedPlan): void {
  const left = [...facts.hosts].filter(([, found]) => !reachable(found)).map(([name]) => name);
  if (left.length > 0) throw new KubekeepError('host-unreachable', `${left.join(', ')} could not be reached and was left as it is; everything else is done`, { hint: 'Run kubekeep apply again when the host is back.' });
}
