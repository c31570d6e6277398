import { systemClock } from '../../lib/clock.ts';
import type { Clock } from '../../lib/clock.ts';
import { createAuthority } from '../../pki/authorities.ts';
import { issueLeaf } from '../../pki/issue.ts';
import type { DrillRecord, Lane, Request } from '../history/record.ts';
import { runProber } from './open-prober.ts';
import { laneOf } from './probe-plan.ts';
import { startTarget } from './self-check-target.ts';
import type { Target, TargetIdentity } from './self-check-target.ts';

/** Milliseconds, of the lane that was furthest off. */
export interface SelfCheck {
  readonly ok: boolean;
  /** The longest time without an acknowledged answer, as the prober's records say. */
  readonly reported: number;
  /** The longest time in which the target really gave none: the pause of 1.000 s as this computer kept it. */
  readonly paused: number;
  /** The longest time in which the prober sent nothing. One that waits for answers sends nothing while its target is paused. */
  readonly silence: number;
  /** What is wrong, where something is. */
  readonly why?: string;
}

export type StartProbe = (plan: Parameters<typeof runProber>[0], options: Parameters<typeof runProber>[1]) => Promise<{ stop(): Promise<void> }>;

/** Milliseconds. */
const pause = 1000;
const tolerance = 30;
/** A computer that starves the prober for so long cannot measure. */
const longestSilence = pause / 2;

/**
 * Whether a prober tells the truth: while its target on this computer answers nothing for 1.000 s, it must go on sending and report that gap to 30 ms.
 * Where it fails it gets two more tries, since another program may have taken the processor just then; a prober that is wrong is wrong each time.
 */
export async function selfCheck({ clock = systemClock, startProbe = runProber }: { readonly clock?: Clock; readonly startProbe?: StartProbe } = {}): Promise<SelfCheck> {
  const identity = await createIdentity(clock.now());
  let result = await checkOnce(identity, startProbe, clock);
  for (let again = 0; !result.ok && again < 2; again++) result = await checkOnce(identity, startProbe, clock);
  return result;
}

async function createIdentity(now: number): Promise<TargetIdentity> {
  const authority = await createAuthority('kubernetes', 'self-check', now);
  const names = { name: 'self-check', commonName: 'kubernetes', organizations: [], dnsNames: ['kubernetes'], addresses: [] };
  const { certificate, privateKey } = await issueLeaf({ ...names, authority: 'kubernetes', usages: ['server', 'client'] }, authority, { now, days: 1 });
  return { ca: authority.certificate, certificate, key: privateKey };
}

async function checkOnce(identity: TargetIdentity, startProbe: StartProbe, clock: Clock): Promise<SelfCheck> {
  const lanes = [laneOf('write', 'new', 'new', 25), laneOf('write', 'reused', 'reused', 100)];
  const targets = new Map<string, Target>();
  const records: DrillRecord[] = [];
  try {
    for (const { door } of lanes) targets.set(door, await startTarget(identity, clock));
    const doors = Object.fromEntries([...targets].map(([door, { port }]) => [door, { address: '127.0.0.1', port, serverName: 'kubernetes' }]));
    const plan = { ...identity, lanes, doors, namespace: 'default', seed: 1, run: 'self-check' };
    const probe = await startProbe(plan, { clock, onRecord: (record) => records.push(record) });
    await clock.sleep(800);
    for (const target of targets.values()) target.pause();
    await clock.sleep(pause);
    for (const target of targets.values()) target.resume();
    await clock.sleep(400);
    await probe.stop();
  } finally {
    for (const target of targets.values()) target.close();
  }
  return worst(lanes.map((lane) => judgeLane(lane, records, targets.get(lane.door)!.answers)));
}

function judgeLane({ name }: Lane, records: readonly DrillRecord[], answers: readonly number[]): SelfCheck {
  const requests = records.filter((record): record is Request => record.kind === 'request' && record.lane === name);
  const acknowledged = requests.filter(({ outcome }) => outcome === 'acknowledged');
  const reported = longestStep(acknowledged.map(({ ended }) => ended));
  const paused = longestStep(answers);
  const silence = longestStep(requests.map(({ sent }) => sent));
  const why = whyWrong({ reported, paused, silence, lost: answers.length - acknowledged.length });
  return { ok: why === undefined, reported, paused, silence, ...(why !== undefined && { why: `${name}: ${why}` }) };
}

function whyWrong({ reported, paused, silence, lost }: { readonly reported: number; readonly paused: number; readonly silence: number; readonly lost: number }): string | undefined {
  if (paused < pause - tolerance) return `its target never got enough requests to tell a pause: ${Math.round(paused)} ms between two answers`;
  if (lost !== 0) return `${lost} answers of its target are not among its records`;
  if (silence >= longestSilence) return `it sent nothing for ${Math.round(silence)} ms: it waits for answers, or the computer is too busy`;
  return Math.abs(reported - paused) <= tolerance ? undefined : `it reports a gap of ${Math.round(reported)} ms where ${Math.round(paused)} ms were`;
}

function longestStep(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.max(0, ...sorted.slice(1).map((time, position) => time - sorted[position]!));
}

function worst(checks: readonly SelfCheck[]): SelfCheck {
  const off = ({ ok, reported, paused }: SelfCheck) => (ok ? 0 : 1e9) + Math.abs(reported - paused);
  return [...checks].sort((a, b) => off(b) - off(a))[0]!;
}
