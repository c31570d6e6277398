/**
 * Runs every fault of services on a T3 with two workers, rolls, scales and drains under visits, cuts a worker's power beside NodePorts that nobody checks, joins workers, and writes docs/evidence/services.md.
 * `npm run test:drill-services [-- W1 W6] [-- --count 3]`: about 18 minutes and 15 for each further count; needs root and a computer that has nothing else to do.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import type { MeasuredLane } from '../../src/drills/guarantees/availability.ts';
import { laneOf } from '../../src/drills/probes/probe-plan.ts';
import type { DrillRun } from '../../src/drills/report/drill-run.ts';
import type { VerdictState } from '../../src/drills/history/verdict.ts';
import { worstVerdict } from '../../src/drills/report/summarize-runs.ts';
import { visitDuring } from '../../src/drills/visit-during.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readNode } from '../../src/operations/look-at-nodes.ts';
import { spread } from '../../bench/figures.ts';
import { fromRepository } from '../support/from-repository.ts';
import { expectZero, kubekeep, labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { webPods } from '../support/web-pods.ts';

const { values, positionals } = parseArgs({ options: { count: { type: 'string', default: '1' } }, allowPositionals: true });
const count = Number(values.count);
const faults = positionals.length > 0 ? positionals : ['W1', 'W2', 'W3', 'W4', 'W4-kill', 'W5', 'W6', 'W7', 'W8', 'W9', 'W9-garbage', 'W9-busy', 'W9-idle'];
const load = loadavg()[0]!.toFixed(1);
const anyNodePort = 30081;
/** Of requests while something is planned, for each of the two services and each kind of connection. */
const rate = 60;

/** A Service of Kubernetes' usual kind for the same pods, and one for HAProxy inside the cluster. */
const services = `---
apiVersion: v1
kind: Service
metadata: { name: any }
spec: { type: NodePort, selector: { app: web }, ports: [{ port: 80, targetPort: 8080, nodePort: ${anyNodePort} }] }
---
apiVersion: v1
kind: Service
metadata: { name: pods }
spec: { clusterIP: None, selector: { app: web }, ports: [{ port: 8080 }] }
`;

const joinsOfOne = await joinTimesOfOne();
await using it = await labCluster('T3', 'test-drill-services', 'trixie', ['--workers', '2']);
const [shopVip, insideVip] = ['.201', '.202'].map((end) => it.lab.gateway.replace(/\.1$/, end)) as [string, string];
const addressOf = (name: string) => it.cluster.hosts.find((host) => host.name === name)!.address;
const kubectl = async (...words: string[]) => (await expectZero(kubekeep('kubectl', '--file', it.file, '--', ...words))).stdout.trim();
const put = async (name: string, text: string) => {
  await writeFile(`${it.file}.${name}.yaml`, text);
  await kubectl('apply', '-f', `${it.file}.${name}.yaml`);
};
const rolledOut = (deployment: string, namespace = 'default') => kubectl('rollout', 'status', '-n', namespace, `deployment/${deployment}`, '--timeout=120s');
/** HAProxy inside the cluster; another number of pods is another configuration. */
const inside = async (pods: number) => {
  await put('inside', (await expectZero(kubekeep('manifests', 'haproxy', '--image', 'kubekeep.test/haproxy:1', '--type', 'NodePort', '--services', `default/pods:8080,listen=80,check=/,pods=${pods}`))).stdout);
  await rolledOut('kubekeep-haproxy', 'kubekeep-haproxy');
};

await expectZero(it.run('apply', '--yes'));
await put('web', webPods({ spread: 'DoNotSchedule', gentle: true, service: 'type: NodePort, externalTrafficPolicy: Local, selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }]' }) + services);
await rolledOut('web');
await inside(8);
await writeFile(it.file, `${(await readFile(it.file, 'utf8')).trimEnd()}
  services:
    - { name: shop, listen: { vip: ${shopVip}, port: 80 }, forward: { service: default/web:80 }, mode: http, load: true, check: { http: { path: / } } }
    - { name: inside, listen: { vip: ${insideVip}, port: 80 }, forward: { service: kubekeep-haproxy/kubekeep-haproxy:80 }, mode: http, check: { http: { path: / } } }
`);
await expectZero(it.run('apply', '--yes'));
await untilGreen();

const drills = await drillRows();
const planned: Planned[] = [];
for (let run = 0; run < count; run++) planned.push(...(await plannedRows(9 + run)));
const starts: number[] = [];
const powerless = await powerlessRows();
const joins = await joinTimes(it, 'w2');
const text = page();
await writeFile(fromRepository('docs/evidence/services.md'), text);
say(text);
const [unknown, broken] = [numberOf(drills, 'unknown'), numberOf(drills, 'broken')];
const failed = planned.reduce((sum, row) => sum + row.failed, 0);
say(`${drills.length} drills, ${broken} with a broken promise and ${unknown} of which nobody can tell; ${failed} requests failed while something was planned`);
process.exitCode = unknown + broken + failed > 0 ? 1 : 0;

interface Drilled {
  readonly run: DrillRun;
  /** Of a cluster that is not healthy again it is broken. */
  readonly verdict: VerdictState;
}

async function drillRows(): Promise<readonly Drilled[]> {
  const rows: Drilled[] = [];
  for (const fault of faults) {
    const runs = await drill(fault, rows.length + 1);
    rows.push(...runs.map((run) => ({ run, verdict: run.restored ? worstVerdict(run) : 'broken' })));
    for (const { run, verdict } of rows.slice(-runs.length)) say(`${fault}: ${verdict}${verdict === 'held' ? '' : ` ${JSON.stringify(run.verdicts.filter(({ state }) => state !== 'held'))}`}`);
    await untilGreen();
  }
  return rows;
}

/** A computer that has too much to do for the prober at first gets some time, twice. */
async function drill(fault: string, seed: number, attempts = 3): Promise<readonly DrillRun[]> {
  const { stdout, stderr } = await it.run('drill', 'run', fault, '--count', `${count}`, '--seed', `${seed}`, '--json');
  const { runs } = JSON.parse(stdout || '{}') as { readonly runs?: readonly DrillRun[] };
  if (runs) return runs;
  if (attempts === 1 || !stdout.includes('the prober cannot be trusted')) throw new Error(`drill run ${fault}: ${stderr.slice(-2000)}${stdout}`);
  say(`${fault}: the prober cannot be trusted yet`);
  await systemClock.sleep(30_000);
  return drill(fault, seed, attempts - 1);
}

interface Planned {
  readonly what: string;
  readonly requests: number;
  readonly failed: number;
  /** ms. */
  readonly slowest: number;
}

/** `pods`: for how many HAProxy inside the cluster has room after its roll-out; another number each time, or nothing would be rolled out. */
async function plannedRows(pods: number): Promise<readonly Planned[]> {
  const doors = { shop: { address: shopVip, port: 80 }, inside: { address: insideVip, port: 80 } };
  const lanes = Object.keys(doors).flatMap((door) => [laneOf('visit', 'new', door, rate), laneOf('visit', 'reused', door, rate)]);
  const scaled = async (replicas: number) => {
    await kubectl('scale', 'deployment/web', `--replicas=${replicas}`);
    await rolledOut('web');
    await systemClock.sleep(8000);
  };
  const rows: Planned[] = [];
  const during = async (what: string, work: () => Promise<unknown>) => {
    const measured = await visitDuring({ doors, lanes, clock: systemClock }, async () => {
      await systemClock.sleep(2000);
      await work();
      await systemClock.sleep(5000);
    });
    const row = { what, requests: sum(measured, 'requests'), failed: sum(measured, 'refused') + sum(measured, 'unknown'), slowest: Math.max(...measured.map(({ longestGap }) => longestGap)) };
    rows.push(row);
    say(`${what}: ${row.failed} of ${row.requests} failed (${measured.map(({ name, requests, acknowledged, longestGap }) => `${name}: ${requests - acknowledged}, ${Math.round(longestGap)} ms`).join('; ')})`);
  };
  await during('pods scaled from 2 to 6, and to 3', async () => {
    await scaled(6);
    await scaled(3);
  });
  await scaled(2);
  await during('the Deployment rolled out', async () => {
    await kubectl('rollout', 'restart', 'deployment/web');
    await rolledOut('web');
    await systemClock.sleep(8000);
  });
  await during('a configuration of HAProxy inside the cluster rolled out', () => inside(pods));
  await during('w1 drained, and open again', async () => {
    await kubectl('drain', 'w1', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=120s');
    await systemClock.sleep(3000);
    await kubectl('uncordon', 'w1');
    await rolledOut('web');
  });
  await untilGreen();
  return rows;
}

interface Powerless {
  readonly door: string;
  readonly runs: readonly MeasuredLane[];
}

/** The power of w2 off for 70 s: longer than the 50 s after which Kubernetes takes its pods out of Services. */
async function powerlessRows(): Promise<readonly Powerless[]> {
  const doors = {
    'the VIP of the service': { address: shopVip, port: 80 },
    'the NodePort of w1, which was not touched': { address: addressOf('w1'), port: anyNodePort },
    'the NodePort of w2, which lost its power': { address: addressOf('w2'), port: anyNodePort },
  };
  const lanes = Object.keys(doors).map((door) => laneOf('visit', 'new', door, 20));
  const runs: (readonly MeasuredLane[])[] = [];
  for (let run = 0; run < count; run++) {
    runs.push(await visitDuring({ doors, lanes, clock: systemClock }, async () => {
      await systemClock.sleep(3000);
      await powerOff(it.lab, 'w2');
      await systemClock.sleep(70_000);
      starts.push(await untilReady(it, 'w2', () => powerOn(it.lab, 'w2')));
    }));
    for (const { door, requests, acknowledged, longestGap } of runs.at(-1)!) say(`${door}: ${requests - acknowledged} of ${requests} failed, ${longestGap} ms`);
    await untilGreen();
  }
  return lanes.map(({ door }, position) => ({ door, runs: runs.map((one) => one[position]!) }));
}

/** The same where one host is the control plane, and nothing else runs on this computer. */
async function joinTimesOfOne(): Promise<readonly number[]> {
  await using one = await labCluster('T1', 'test-drill-services-one', 'trixie', ['--workers', '1']);
  await expectZero(one.run('apply', '--yes'));
  return await joinTimes(one, 'w1');
}

/** Seconds of an `apply` that finds a bare machine, and makes it a node that is ready. */
async function joinTimes(cluster: LabCluster, worker: string): Promise<readonly number[]> {
  const times: number[] = [];
  for (let run = 0; run < count; run++) {
    await expectZero(cluster.run('hosts', 'remove', worker, '--yes'));
    times.push(await untilReady(cluster, worker, () => expectZero(cluster.run('apply', '--yes'))));
    say(`${worker} joined after ${times.at(-1)!.toFixed(1)} s`);
  }
  return times;
}

/** Seconds from the start of `work` until a worker is ready. */
async function untilReady(cluster: LabCluster, worker: string, work: () => Promise<unknown>): Promise<number> {
  // Asked by a client that stays: kubectl would cost a processor.
  return apiThroughVip(await cluster.reach(), async (api) => {
    const start = performance.now();
    const limit = AbortSignal.timeout(180_000);
    const ready = async () => {
      while (!(await readNode(api, worker, limit))?.ready) await systemClock.sleep(200);
      return (performance.now() - start) / 1000;
    };
    return (await Promise.all([ready(), work()]))[0];
  });
}

async function untilGreen(): Promise<void> {
  for (const end = Date.now() + 180_000; ; await systemClock.sleep(2000)) {
    const { code, stdout } = await it.run('status');
    if (code === 0) return;
    if (Date.now() > end) throw new Error(`status ends with ${code}: ${stdout}`);
  }
}

function sum(lanes: readonly MeasuredLane[], what: 'requests' | 'refused' | 'unknown'): number {
  return lanes.reduce((total, lane) => total + lane[what], 0);
}

function page(): string {
  const seconds = (milliseconds: readonly number[]) => `${(Math.max(...milliseconds) / 1000).toFixed(2)} s`;
  const failedOf = (lanes: readonly Pick<MeasuredLane, 'requests' | 'acknowledged'>[]) => `${lanes.reduce((total, { requests, acknowledged }) => total + requests - acknowledged, 0)} of ${lanes.reduce((total, { requests }) => total + requests, 0).toLocaleString('en-GB')}`;
  const drillLines = [...Map.groupBy(drills, ({ run }) => run.fault.id).values()].map((some) => {
    const lanes = (connection: string) => some.flatMap(({ run }) => run.lanes.filter((lane) => lane.workload === 'visit' && lane.connection === connection));
    const [fresh, kept] = [lanes('new'), lanes('reused')];
    return `| ${some[0]!.run.fault.id} | ${some[0]!.run.fault.title} | ${some.length} | ${failedOf(fresh)}, ${seconds(fresh.map(({ longestGap }) => longestGap))} | ${failedOf(kept)}, ${seconds(kept.map(({ longestGap }) => longestGap))} | ${verdictsOf(some)} |`;
  });
  return [
    '# What visitors of services feel',
    '',
    `Made by \`npm run test:drill-services${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(' ')}` : ''}\` on ${new Date().toISOString().slice(0, 10)}: a T3 with two workers on ${cpus().length} shared cores, load ${load} before it began. A web server of two pods, one on each worker, behind the load balancers as service \`shop\`, and again`,
    'through HAProxy inside the cluster as service `inside`.',
    '',
    '## Faults',
    '',
    'By `kubekeep drill run`. Each service is asked 20 times a second, on new connections and on one that is kept; failed requests of both services, and the longest time without an answer.',
    '',
    '| fault | what happens | runs | new connections | kept connection | every promise held |',
    '| --- | --- | --- | --- | --- | --- |',
    ...drillLines,
    '',
    '## What is planned',
    '',
    `Both services asked ${rate} times a second each on new connections and as often on a kept one; each change ${count === 1 ? 'once' : `${count} times`}.`,
    '',
    '| | requests | failed | longest time without an answer |',
    '| --- | --- | --- | --- |',
    ...Map.groupBy(planned, ({ what }) => what).entries().map(([what, some]) => plannedLine(what, some)),
    plannedLine('all of it', planned),
    '',
    '## A worker without power, beside a NodePort that is asked directly',
    '',
    'w2 has no power for 70 s, 20 requests a second on new connections to each; the NodePort is one of `externalTrafficPolicy: Cluster`, as Kubernetes makes it where nothing is said.',
    '',
    '| asked | failed requests | longest time without an answer | runs |',
    '| --- | --- | --- | --- |',
    ...powerless.map(({ door, runs }) => `| ${door} | ${failedOf(runs)} | ${seconds(runs.map(({ longestGap }) => longestGap))} | ${runs.length} |`),
    '',
    '## How soon a worker is ready',
    '',
    'With the packages of its distribution, from the start of `apply` (its plan, copying 300 MB of programs, `kubeadm join`, networks of pods) or of the machine. Median (min–max).',
    '',
    '| | until its node is ready | runs |',
    '| --- | --- | --- |',
    `| a bare machine joins a T1 | ${spread(joinsOfOne, 's')} | ${count} |`,
    `| a bare machine joins this T3, all of whose hosts share the processors | ${spread(joins, 's')} | ${count} |`,
    `| w2 gets its power back | ${spread(starts, 's')} | ${count} |`,
    '',
  ].join('\n');
}

/** What is neither held nor broken is what a prober that stood still cannot tell (docs/decisions/0060). */
function verdictsOf(some: readonly Drilled[]): string {
  return [`${numberOf(some, 'held')} of ${some.length}`, ...(['unknown', 'broken'] as const).flatMap((state) => (numberOf(some, state) > 0 ? [`${numberOf(some, state)} ${state}`] : []))].join(', ');
}

function numberOf(some: readonly Drilled[], state: VerdictState): number {
  return some.filter(({ verdict }) => verdict === state).length;
}

function plannedLine(what: string, rows: readonly Planned[]): string {
  const total = (field: 'requests' | 'failed') => rows.reduce((sum, row) => sum + row[field], 0);
  return `| ${what} | ${total('requests').toLocaleString('en-GB')} | ${total('failed')} | ${(Math.max(...rows.map(({ slowest }) => slowest)) / 1000).toFixed(2)} s |`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
