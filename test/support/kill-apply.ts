import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { parallel } from '../../src/lib/parallel.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { reinstall } from '../../src/lab/reinstall.ts';
import { etcdOf } from '../../src/operations/clients.ts';
import { stateFolder } from '../../src/operations/state.ts';
import type { LabCluster, Outcome } from './lab-cluster.ts';
import { startKubekeep } from './lab-cluster.ts';

export interface KillPoint {
  /** After which event of a step, counted from 1; 0: at once. */
  readonly event: number;
  /** Milliseconds after it. */
  readonly delay?: number;
  /** Cut the power of every machine at the same moment, so that what runs on the hosts is cut too. */
  readonly power?: boolean;
}

export interface Survival {
  /** "started cp1/etcd"; undefined where apply ended before that event. */
  readonly killedAt: string | undefined;
  /** Changes that the next apply made, and how long it took: seconds. */
  readonly changes: number;
  readonly seconds: number;
  /** What is wrong afterwards, in words. */
  readonly problems: readonly string[];
}

/** Builds a cluster on machines with new disks, kills the apply at one point, applies again, and looks whether the cluster is whole then. */
export async function killOnce(it: LabCluster, point: KillPoint): Promise<Survival> {
  await hangUp(it);
  await parallel(it.lab.machines, ({ name }) => reinstall(it.lab, name));
  rmSync(stateFolder(dirname(it.file), it.cluster.name).path, { recursive: true, force: true });
  const killedAt = await applyKilled(it, point);
  if (point.power) {
    await parallel(it.lab.machines, ({ name }) => powerOff(it.lab, name));
    await parallel(it.lab.machines, ({ name }) => powerOn(it.lab, name));
    await hangUp(it);
  }
  const start = systemClock.monotonic();
  const second = await it.run('apply', '--yes', '--json');
  const seconds = (systemClock.monotonic() - start) / 1000;
  const problems = [...complain('the next apply', second), ...(await lookAtAll(it))];
  return { killedAt, changes: changesOf(second), seconds, problems };
}

/** Connections to machines that went away are not noticed at once. */
async function hangUp({ hosts }: LabCluster): Promise<void> {
  await parallel([...hosts.values()], (host) => host.close());
}

/** Runs apply and ends it with SIGKILL at the point. Resolves to the event; undefined where it came to its end before. */
async function applyKilled(it: LabCluster, { event: wanted, delay = 0 }: KillPoint): Promise<string | undefined> {
  let count = 0;
  let killedAt: string | undefined = wanted === 0 ? 'the start of apply' : undefined;
  const { process: child, ended } = startKubekeep(['apply', '--yes', '--json', '--file', it.file], {
    onLine: (line) => {
      const event = line.startsWith('{') ? (JSON.parse(line) as { type?: string; step?: string }) : {};
      if ((event.type !== 'started' && event.type !== 'done') || event.step === undefined) return;
      count += 1;
      if (count === wanted) kill(`${event.type} ${event.step}`);
    },
  });
  if (wanted === 0) kill('the start of apply');
  const { code, stderr } = await ended;
  if (code === null) return killedAt;
  if (code !== 0) throw new Error(`the apply that was to be killed failed by itself: ${stderr.slice(-800)}`);
  return undefined;

  function kill(at: string): void {
    killedAt = at;
    if (delay === 0) child.kill('SIGKILL');
    else setTimeout(() => child.kill('SIGKILL'), delay);
  }
}

async function lookAtAll(it: LabCluster): Promise<string[]> {
  const third = await it.run('apply', '--yes', '--json');
  const health = await it.healthy().then(() => [], (error: Error) => [error.message]);
  const members = await membersOf(it).catch((error: Error) => [error.message]);
  const expected = it.cluster.hosts.filter(({ roles }) => roles.includes('etcd')).map(({ name }) => `${name} votes`);
  return [
    ...complain('the apply after it', third),
    ...(third.code === 0 && changesOf(third) !== 0 ? [`the apply after it still made ${changesOf(third)} changes`] : []),
    ...health,
    ...(members.join() === expected.join() ? [] : [`etcd's members: ${members.join(', ')}`]),
  ];
}

async function membersOf(it: LabCluster): Promise<string[]> {
  const [spec] = it.cluster.hosts.filter(({ roles }) => roles.includes('etcd'));
  const client = await etcdOf(spec!, it.hosts.get(spec!.name)!, await it.secrets(), systemClock.now());
  try {
    return (await client.members()).map(({ name, isLearner }) => `${name} ${isLearner ? 'learns' : 'votes'}`).toSorted();
  } finally {
    client.close();
  }
}

function complain(what: string, { code, stdout, stderr }: Outcome): string[] {
  return code === 0 ? [] : [`${what} ended with ${code}: ${stdout.trim().slice(-600)} ${code === null ? stderr.slice(-300) : ''}`.trim()];
}

function changesOf({ code, stdout }: Outcome): number {
  return code === 0 ? (JSON.parse(stdout) as { changes: number }).changes : Number.NaN;
}
