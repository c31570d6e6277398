/**
 * Measures where requests go, and what that costs, when a server is busy with something else or loses its power: `npm run bench:balance [-- --runs 3]`, beside plain HAProxy in the same run. Two web servers (nginx, pages that are
 * compressed for each request) and a balancer are lab machines; wrk asks from this computer. Writes docs/evidence/balancing.md and its picture. Needs root, wrk (apt-get install wrk), and a computer that has nothing else to do.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg, release } from 'node:os';
import { powerOff, powerOn } from '../src/lab/power.ts';
import { systemClock } from '../src/lib/clock.ts';
import { fromRepository } from '../test/support/from-repository.ts';
import { bareConfig, plainConfig, steeredConfig, type Configuration } from './balance-configs.ts';
import { readLog, startHaproxy, visit, type Answered } from './balance-client.ts';
import { bySecond, interrupted, moved, type Moved, type Span } from './balance-figures.ts';
import { makeMachines, nodePort, webServers, type Machines } from './balance-machines.ts';
import { drawBalance } from './balance-plot.ts';
import { startAgents, startSteering, type Turn } from './balance-steering.ts';
import { compareThroughput, type Costs } from './balance-throughput.ts';
import { median, say, spread } from './figures.ts';

const option = (name: string, otherwise: number) => Number(process.argv[process.argv.indexOf(`--${name}`) + 1]) || otherwise;
const runs = option('runs', 3);
const load = loadavg()[0]!.toFixed(1);
/** Seconds before a neighbour is busy, while it is, and after. */
const [calm, busy, after] = [10, 25, 25];
/** Part of what a machine may use that the requests take when they are shared evenly. */
const usual = 0.4;
const requestsPerSecond = 50;
/** Of a second of small requests through either configuration. */
const pairs = 20;

say(`On a computer that has nothing else to do this takes some ${Math.ceil((runs * (3 * (calm + busy + after + 5) + 2 * 35 + 2 * pairs + 25) + 60) / 60)} minutes.`);
const kinds = ['roundrobin', 'leastconn', 'kubekeep'] as const;
type Kind = (typeof kinds)[number];

interface Neighbour extends Moved {
  readonly answered: readonly Answered[];
  readonly turns: readonly Turn[];
  readonly span: Span;
  readonly failed: number;
}

await using machines = await makeMachines('bench-balance');
await startAgents(machines);
const ceiling = await capacity(machines);
const neighbours = new Map<Kind, Neighbour[]>(kinds.map((kind) => [kind, []]));
const powerless = new Map<Kind, { failed: number; gap: number; requests: number }[]>([['roundrobin', []], ['kubekeep', []]]);
const costs: Costs[] = [];
for (let run = 0; run < runs; run++) {
  for (const kind of kinds) {
    const one = await withNeighbour(machines, kind);
    neighbours.get(kind)!.push(one);
    say(`${kind}: p99 ${one.p99.toFixed(0)} ms, share ${(one.share * 100).toFixed(0)} %, away ${one.away ?? 'never'}, back ${one.back ?? 'never'}, failed ${one.failed}`);
  }
  for (const [kind, found] of powerless) {
    found.push(await withoutPower(machines, kind));
    say(`${kind}: power of w2 off: ${found.at(-1)!.failed} of ${found.at(-1)!.requests} failed, gap ${found.at(-1)!.gap} ms`);
  }
  costs.push(...(await compareThroughput(machines, pairs)));
  for (const server of webServers) await machines.limit(server, ceiling);
  say(`throughput against a bare configuration: ${median(costs.slice(-pairs).map(({ throughput }) => throughput)).toFixed(3)}`);
}
await write();

/** Limits the web servers so that the usual requests take the usual part of them, whatever processors this computer has. */
async function capacity({ limit, used, on }: Machines): Promise<number> {
  for (const server of webServers) await limit(server, undefined);
  const before = await used('w1');
  await on('w1', `for turn in $(seq 100); do echo 'url = "http://127.0.0.1:${nodePort}/page.txt"'; echo 'output = /dev/null'; done > /tmp/urls; curl -s --compressed -K /tmp/urls`);
  const each = ((await used('w1')) - before) / 100;
  const processors = (each * requestsPerSecond) / webServers.length / usual;
  for (const server of webServers) await limit(server, processors);
  say(`a page costs ${(each * 1000).toFixed(1)} ms of a processor; each web server may use ${processors.toFixed(2)} processors`);
  return processors;
}

async function configOf(kind: Kind): Promise<Configuration> {
  return kind === 'kubekeep' ? steeredConfig(machines, { log: true }) : plainConfig(machines, kind);
}

async function withNeighbour(all: Machines, kind: Kind): Promise<Neighbour> {
  await startHaproxy(all, await configOf(kind));
  const steering = kind === 'kubekeep' ? await startSteering(all) : undefined;
  const visited = visit(all, calm + busy + after);
  await systemClock.sleep(calm * 1000);
  const from = Date.now();
  await all.on('w1', `systemd-run -q --collect --unit=neighbour sh -c 'for one in 1 2 3 4; do while :; do :; done & done; wait'`);
  await systemClock.sleep(busy * 1000);
  await all.on('w1', 'systemctl kill -s KILL neighbour.service; systemctl reset-failed neighbour.service 2> /dev/null || true');
  const span = { from, to: Date.now() };
  const { failed } = await visited;
  const turns = (await steering?.stop()) ?? [];
  const answered = await readLog(all);
  return { ...moved(answered, 'w1', span), answered, turns, span, failed };
}

async function withoutPower(all: Machines, kind: Kind): Promise<{ failed: number; gap: number; requests: number }> {
  await startHaproxy(all, await configOf(kind));
  const visited = visit(all, 20);
  await systemClock.sleep(5000);
  await powerOff(all.lab, 'w2');
  const said = await visited;
  const until = Date.now();
  const { failed, gap } = interrupted(await readLog(all), until);
  await powerOn(all.lab, 'w2', {});
  await all.limit('w2', ceiling);
  return { failed: Math.max(failed, said.failed), gap, requests: said.requests };
}

function mostChanges(turns: readonly Turn[]): number {
  return Math.max(0, ...webServers.map((server) => Math.max(0, ...turns.map((turn, position) => turns.slice(0, position + 1).filter((one, at) => turn.at - one.at < 950 && at > 0 && one.weights[server] !== turns[at - 1]!.weights[server]).length))));
}

async function write(): Promise<void> {
  const ours = neighbours.get('kubekeep')!;
  const p99 = (kind: Kind) => neighbours.get(kind)!.map((one) => one.p99 / 1000);
  const settled = (kind: Kind) => neighbours.get(kind)!.map((one) => one.settledP99 / 1000);
  const seconds = (values: readonly (number | undefined)[]) => (values.includes(undefined) ? `${values.filter((value) => value === undefined).length} of ${values.length} never` : spread(values as number[], 's'));
  const each = kinds.map((kind) => {
    const some = neighbours.get(kind)!;
    return `| ${kind} | ${spread(p99(kind), 's')} | ${spread(settled(kind), 's')} | ${(median(some.map((one) => one.share)) * 100).toFixed(0)} % | ${seconds(some.map(({ away }) => away))} | ${some.some(({ away }) => away === undefined) ? '' : seconds(some.map(({ back }) => back))} | ${some.reduce((sum, one) => sum + one.failed, 0)} | ${runs} |`;
  });
  const off = [...powerless].map(([kind, found]) => `| ${kind} | ${found.map(({ failed, requests }) => `${failed} of ${requests}`).join(', ')} | ${spread(found.map(({ gap }) => gap / 1000), 's')} | ${runs} |`);
  await drawBalance(fromRepository('docs/evidence/balancing.svg'), {
    from: ours[0]!.span.from, busy: (ours[0]!.span.to - ours[0]!.span.from) / 1000, turns: ours[0]!.turns,
    seconds: kinds.map((kind) => ({ kind, seconds: bySecond(neighbours.get(kind)![0]!.answered, 'w1', neighbours.get(kind)![0]!.span.from) })),
  });
  const text = [
    '# Where requests go when a server is busy',
    '',
    `Made by \`npm run bench:balance -- --runs ${runs}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} shared cores, Linux ${release().split('-')[0]}, load ${load} before it began. Two nginx of Debian on lab machines that may use ${ceiling.toFixed(2)} processors`,
    `each, some ${requestsPerSecond} requests a second by wrk (16 connections that wait 200 to 400 ms after each answer), which take ${usual * 100} % of the two when they are shared evenly. Times are as HAProxy noted them, from a request's first byte to its answer's last. Median (min–max).`,
    '',
    '## A neighbour burns the processors of one',
    '',
    `Four processes that do nothing but burn, on w1 beside nginx, for ${busy} s. \`roundrobin\` and \`leastconn\` are HAProxy as guides have it, without weights; \`kubekeep\` draws two by weights that follow what the nodes say of their load, and takes the one with fewer connections.`,
    `Aims: p99 at least three times lower than roundrobin; share under 20 % within 5 s; shared 45–55 % again (two seconds' requests) within 15 s of the end; no weight changed twice in a second.`,
    '',
    '| | p99 while it burns | p99 from 5 s on | share of w1 from 5 s on | under 20 % after | even again after | failed | runs |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...each,
    '',
    `p99 of kubekeep against roundrobin: ${(median(p99('roundrobin')) / median(p99('kubekeep'))).toFixed(1)} times lower while it burns, ${(median(settled('roundrobin')) / median(settled('kubekeep'))).toFixed(1)} times from 5 s on. Changes of one weight within a second: ${Math.max(...ours.map(({ turns }) => mostChanges(turns)))} at the most.`,
    '',
    '![Weights, loads and latencies over time](balancing.svg)',
    '',
    '## A server loses its power',
    '',
    'The same clients for 20 s; w2 loses its power after 5 s. A client that gets no answer asks nothing else, so requests that hang are told by how few there are. Aims: no second without an answer, and failed requests under 0.5 % of a second\'s.',
    '',
    '| | failed requests, each run | longest time without a good answer | runs |',
    '| --- | --- | --- | --- |',
    ...off,
    '',
    `With kubekeep ${((median(powerless.get('kubekeep')!.map(({ failed }) => failed)) / requestsPerSecond) * 100).toFixed(0)} % of a second's ${requestsPerSecond} requests: what was on its way to w2 ends there ([decision 49](../decisions/0049-pods-that-the-api-asks-and-manifests-of-the-user.md)). A NodePort of kube-proxy is asked beside a service in [what visitors of services feel](services.md).`,
    '',
    '## What the configuration costs',
    '',
    `Small requests as fast as they get through, by two HAProxies beside each other that are asked in turns, a second each: ${costs.length} pairs, beside a configuration of ${bareConfig(machines, 1).config.trim().split('\n').length} lines. Median (quarter–three quarters).`,
    '',
    '| of the bare configuration | | aim |',
    '| --- | --- | --- |',
    `| requests per second | ${quarters(costs.map(({ throughput }) => throughput))} | at least 0.95 |`,
    `| processor time for a request | ${quarters(costs.map(({ processor }) => processor))} | |`,
    '',
  ].join('\n');
  await writeFile(fromRepository('docs/evidence/balancing.md'), text);
  say(text);
}

/** Median, and between what the middle half lies. */
function quarters(values: readonly number[]): string {
  const at = (part: number) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)]!.toFixed(2);
  return `${at(0.5)} (${at(0.25)}–${at(0.75)})`;
}
