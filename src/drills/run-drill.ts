import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { nameTopology } from '../cluster/topologies.ts';
import { KubekeepError } from '../lib/errors.ts';
import { tellRegularly } from '../lib/tell-regularly.ts';
import type { Operation } from '../operations/operation.ts';
import { allowanceOf } from './faults/allowance.ts';
import type { Aim, Fault } from './faults/fault.ts';
import { throughTheFault } from './fault-window.ts';
import { measureLane, requestWindow } from './guarantees/availability.ts';
import { judge } from './guarantees/judge.ts';
import { historyName, keepEnd, readEvidence } from './kept-evidence.ts';
import { lookAtEnd } from './look-at-end.ts';
import { keepWatch } from './looks/keep-watch.ts';
import { watchForSecrets, type SecretWatch } from './looks/watch-for-secrets.ts';
import { openProber, type OpenProber } from './probes/open-prober.ts';
import { selfCheck } from './probes/self-check.ts';
import { vipDoor, type ProbePlan } from './probes/probe-plan.ts';
import type { DrillRun } from './report/drill-run.ts';
import type { Stage } from './stage.ts';

export interface DrillOptions {
  readonly plan: ProbePlan;
  /** Folder for the history and the result; made where it is missing. */
  readonly folder: string;
  readonly seed: number;
  /** "kubekeep", or another set-up that was applied. */
  readonly setup: string;
  /** Chosen before, where somebody was asked about it; else when the cluster is healthy and the prober checked. */
  readonly aim?: Aim | undefined;
}

/**
 * Breaks a healthy cluster in one way, measures what clients feel, undoes it, waits until everything is healthy and judges the history. Throws
 * `not-healthy` where the cluster was not healthy to begin with; where it does not become so again, the run says it (`restored` is false) and
 * whoever goes through several stops there.
 */
export async function runDrill(stage: Stage, fault: Fault, { plan, folder, seed, setup, aim: chosen }: DrillOptions): Promise<DrillRun> {
  const { cluster, clock } = stage.operation;
  await stage.healthy();
  await checkProber(stage.operation);
  const aim = chosen ?? (await fault.aim(stage));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const startedAt = clock.now();
  const historyFile = join(folder, historyName);
  const restored = await probe(stage, fault, { aim, plan, folder, historyFile });
  await keepEnd(folder, { allowed: allowanceOf(fault), finally: undefined, ...(restored && (await lookAtEnd(stage, plan.namespace))) });
  const evidence = await readEvidence(folder);
  const window = requestWindow(evidence.records);
  const run: DrillRun = {
    id: basename(folder),
    fault: { id: fault.id, title: fault.title, component: fault.component },
    topology: nameTopology(cluster),
    cluster: cluster.name,
    versions: { kubernetes: cluster.kubernetes.version, etcd: cluster.etcd.version },
    setup,
    startedAt,
    seed,
    lanes: plan.lanes.map((lane) => measureLane(lane, evidence.records, window)),
    verdicts: judge(evidence),
    restored,
    history: basename(historyFile),
    ...(fault.target && { target: fault.target }),
  };
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  return run;
}

/** A prober that does not find a pause of a second that it was not told of would not find the fault's either. A moment's load may spoil one look, not three. */
async function checkProber({ clock, progress }: Pick<Operation, 'clock' | 'progress'>, attempts = 3): Promise<void> {
  const { ok, reported, paused, why } = await selfCheck({ clock });
  const title = `${reported.toFixed(0)} ms found of a pause of ${paused.toFixed(0)} ms`;
  progress({ type: 'note', title: ok ? `prober checked: ${title}` : `prober not trusted yet: ${title}${why ? ` (${why})` : ''}` });
  if (ok) return;
  if (attempts > 1) return checkProber({ clock, progress }, attempts - 1);
  throw new KubekeepError('drill-refused', `the prober cannot be trusted on this computer now: it found a gap of ${reported.toFixed(0)} ms where there was one of ${paused.toFixed(0)} ms${why ? ` (${why})` : ''}`, { hint: 'Run it again when the computer has less to do.' });
}

async function probe(stage: Stage, fault: Fault, { aim, plan, folder, historyFile }: { aim: Aim; plan: ProbePlan; folder: string; historyFile: string }): Promise<boolean> {
  const secrets = await watchForSecrets(stage, plan, folder);
  try {
    const prober = await openProber(plan, { historyFile });
    const ended = new AbortController();
    void tellRegularly(stage.operation.clock, ended.signal, () => tellLanes(stage, prober, plan));
    try {
      return await watched(stage, fault, { aim, prober, secrets });
    } finally {
      ended.abort();
      await prober.stop();
    }
  } finally {
    await secrets.stop();
  }
}

async function watched(stage: Stage, fault: Fault, { aim, prober, secrets }: { aim: Aim; prober: OpenProber; secrets: SecretWatch }): Promise<boolean> {
  const watch = await keepWatch(stage, prober, secrets);
  let restored = false;
  try {
    restored = await throughTheFault({ stage, fault, aim, log: prober, sampler: watch.sampler });
  } finally {
    await watch.stop(restored);
  }
  return restored;
}

/** What clients of the VIP felt so far: that an API server which is down does not answer on its own lane is no news. */
function tellLanes({ operation: { progress } }: Stage, prober: OpenProber, { lanes: planned }: ProbePlan): void {
  const throughVip = new Set(planned.filter(({ door }) => door === vipDoor).map(({ name }) => name));
  const lanes = prober.lanes().filter(({ lane, acknowledged, refused, unknown }) => throughVip.has(lane) && acknowledged + refused + unknown > 0);
  const sum = (count: (lane: (typeof lanes)[number]) => number) => lanes.reduce((total, lane) => total + count(lane), 0);
  progress({ type: 'note', title: `${sum(({ acknowledged }) => acknowledged)} requests acknowledged, ${sum(({ refused, unknown }) => refused + unknown)} not; longest gap through the VIP so far ${(Math.max(0, ...lanes.map(({ longestGap }) => longestGap)) / 1000).toFixed(2)} s` });
}
