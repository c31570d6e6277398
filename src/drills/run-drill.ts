import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { nameTopology } from '../cluster/topologies.ts';
import { KubekeepError } from '../lib/errors.ts';
import { tellRegularly } from '../lib/tell-regularly.ts';
import { apiThroughVip } from './api-through-vip.ts';
import { checkTokens } from './check-tokens.ts';
import { allowanceOf } from './faults/allowance.ts';
import type { Aim, Fault } from './faults/fault.ts';
import { throughTheFault } from './fault-window.ts';
import { measureLane, requestWindow } from './guarantees/availability.ts';
import { judge } from './guarantees/judge.ts';
import type { Evidence } from './history/verdict.ts';
import { historyName, keepEnd, readEvidence } from './kept-evidence.ts';
import { listConfigMaps } from './list-config-maps.ts';
import { openProber, type OpenProber } from './probes/open-prober.ts';
import { selfCheck } from './probes/self-check.ts';
import type { ProbePlan } from './probes/probe-plan.ts';
import type { DrillRun } from './report/drill-run.ts';
import { startSampler } from './sampler.ts';
import type { Stage } from './stage.ts';

export interface DrillOptions {
  readonly plan: ProbePlan;
  /** Folder for the history and the result; made where it is missing. */
  readonly folder: string;
  readonly seed: number;
  /** "kubekeep", or another set-up that was applied. */
  readonly setup: string;
}

/**
 * Breaks a healthy cluster in one way, measures what clients feel, undoes it, waits until everything is healthy and judges the history. Throws
 * `not-healthy` where the cluster was not healthy to begin with; where it does not become so again, the run says it (`restored` is false) and
 * whoever goes through several stops there.
 */
export async function runDrill(stage: Stage, fault: Fault, { plan, folder, seed, setup }: DrillOptions): Promise<DrillRun> {
  const { cluster, clock } = stage.operation;
  await stage.healthy();
  await checkProber(stage);
  const aim = await fault.aim(stage);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const startedAt = clock.now();
  const historyFile = join(folder, historyName);
  const restored = await probe(stage, fault, { aim, plan, historyFile });
  await keepEnd(folder, { allowed: allowanceOf(fault), finally: undefined, ...(restored && (await lookAtEnd(stage, plan))) });
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

/** What is there when the cluster is healthy again. */
async function lookAtEnd(stage: Stage, { namespace }: ProbePlan): Promise<Pick<Evidence, 'finally' | 'tokens'>> {
  return { finally: await apiThroughVip(stage, (api) => listConfigMaps(api, namespace)), tokens: await checkTokens(stage, namespace) };
}

/** A prober that does not find a pause of a second that it was not told of would not find the fault's either. */
async function checkProber({ operation: { clock, progress } }: Stage): Promise<void> {
  const { ok, reported, paused, why } = await selfCheck({ clock });
  if (!ok) throw new KubekeepError('drill-refused', `the prober cannot be trusted on this computer now: it found a gap of ${reported.toFixed(0)} ms where there was one of ${paused.toFixed(0)} ms${why ? ` (${why})` : ''}`, { hint: 'Run it again when the computer has less to do.' });
  progress({ type: 'note', title: `prober checked: ${reported.toFixed(0)} ms found of a pause of ${paused.toFixed(0)} ms` });
}

async function probe(stage: Stage, fault: Fault, { aim, plan, historyFile }: { aim: Aim; plan: ProbePlan; historyFile: string }): Promise<boolean> {
  const prober = await openProber(plan, { historyFile });
  const ended = new AbortController();
  void tellRegularly(stage.operation.clock, ended.signal, () => tellLanes(stage, prober));
  try {
    const sampler = await startSampler(stage, prober.toProber);
    try {
      return await throughTheFault({ stage, fault, aim, log: prober, sampler });
    } finally {
      for (const sample of await sampler.stop()) prober.add(sample);
    }
  } finally {
    ended.abort();
    await prober.stop();
  }
}

/** What clients felt so far. */
function tellLanes({ operation: { progress } }: Stage, prober: OpenProber): void {
  const lanes = prober.lanes().filter(({ acknowledged, refused, unknown }) => acknowledged + refused + unknown > 0);
  const sum = (count: (lane: (typeof lanes)[number]) => number) => lanes.reduce((total, lane) => total + count(lane), 0);
  progress({ type: 'note', title: `${sum(({ acknowledged }) => acknowledged)} requests acknowledged, ${sum(({ refused, unknown }) => refused + unknown)} not; longest gap of a lane so far ${(Math.max(0, ...lanes.map(({ longestGap }) => longestGap)) / 1000).toFixed(2)} s` });
}
