import { connectionKinds, historyFormat, type DrillRecord, type Lane, type Mark, type Request, type Sample } from '../../src/drills/history/record.ts';
import type { DrillRun, LaneFigures } from '../../src/drills/report/drill-run.ts';
import { median } from '../../src/drills/report/median.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

export interface ExampleDrill {
  readonly run: DrillRun;
  readonly records: readonly DrillRecord[];
}

export interface ExampleDrillOptions {
  readonly seed: number;
  readonly setup?: string;
  readonly fault?: DrillRun['fault'];
  /** Typical time without an answer in milliseconds; each kind of connection that comes later takes half as long again. */
  readonly gap?: number;
  readonly seconds?: number;
  /** Requests a second of each lane. */
  readonly rate?: number;
  readonly lanes?: readonly Lane[];
}

/** The prober's clock does not start at the fault. */
const zero = 15_000;
const hosts = ['cp1', 'cp2', 'cp3'];

export const exampleLanes: readonly Lane[] = [
  ...connectionKinds.map((connection): Lane => ({ name: `write, ${connection} connections, VIP`, workload: 'write', connection, door: 'VIP', rate: 25 })),
  { name: 'read, new connections, VIP', workload: 'read', connection: 'new', door: 'VIP', rate: 25 },
  ...hosts.map((host): Lane => ({ name: `read, new connections, API server ${host}`, workload: 'read', connection: 'new', door: `API server ${host}`, rate: 5 })),
];

/** What a drill might have recorded when the host cp1, which had the VIP and led etcd, was powered off: the same for the same seed. */
export function exampleDrill(options: ExampleDrillOptions): ExampleDrill {
  const { seed, setup = 'kubekeep', fault = { id: 'N1', title: 'power off the host that has the VIP', component: 'host' }, gap = 400, seconds = 60, rate = 25, lanes = exampleLanes } = options;
  const draw = seededDraw(seed);
  const undone = zero + 20_000;
  const requests = lanes.flatMap((lane) => laneRequests({ ...lane, rate }, { draw, end: seconds * 1000, gap, undone }));
  const moved = zero + gap * (0.7 + 0.2 * draw());
  const records: DrillRecord[] = [
    { kind: 'began', format: historyFormat, epoch: Date.UTC(2026, 10, 23, 12), lanes },
    ...requests,
    ...hosts.flatMap((host) => hostSamples(host, { end: seconds * 1000, moved, undone })),
    ...marks(fault.id, undone),
  ];
  const run: DrillRun = {
    id: `${fault.id}-${setup.replaceAll(' ', '-')}-${seed}`,
    fault,
    topology: 'T3',
    cluster: 'example',
    versions: { kubernetes: '1.37.2', etcd: '3.7.3', haproxy: '3.2.4', keepalived: '2.3.4' },
    setup,
    startedAt: Date.UTC(2026, 10, 23, 12) + seed * 90_000,
    seed,
    lanes: lanes.map((lane) => laneFigures({ ...lane, rate }, requests, seconds * 1000)),
    verdicts: [
      { guarantee: 'C-ack', state: 'held', promise: 'No acknowledged write is lost.', found: `${requests.length} requests, 0 lost`, breaches: [] },
      { guarantee: 'C-vip', state: 'held', promise: 'At no time two hosts have the VIP.', found: '1 move, 0 ms with two holders', breaches: [] },
    ],
    restored: true,
    history: `${fault.id}-${seed}.ndjson`,
    target: { new: [0.4, 1], reused: [0.7, 1.5] },
  };
  return { run, records };
}

function laneRequests(lane: Lane, { draw, end, gap, undone }: { draw: () => number; end: number; gap: number; undone: number }): Request[] {
  const mine = gap * (1 + 0.5 * connectionKinds.indexOf(lane.connection)) * (0.8 + 0.4 * draw());
  const away = lane.door === 'API server cp1' ? undone + 5000 : lane.door === 'VIP' ? zero + mine : zero;
  return Array.from({ length: Math.floor((end * lane.rate) / 1000) }, (_, position): Request => {
    const due = (position * 1000) / lane.rate;
    const object = `${lane.name}-${position}`.replaceAll(/[^a-z0-9]+/gi, '-');
    const base = { kind: 'request', lane: lane.name, operation: lane.workload === 'write' ? 'create' : 'get', object, due, sent: due + draw() } as const;
    if (due < zero || due >= away) return { ...base, ended: due + 6 + 20 * draw() ** 3, outcome: 'acknowledged', status: lane.workload === 'write' ? 201 : 200, revision: 1000 + position };
    // What was due shortly before the way was free again is answered late.
    if (away - due < mine * 0.4) return { ...base, ended: away + 5 + 10 * draw(), outcome: 'acknowledged', status: 201, revision: 1000 + position };
    return draw() < 0.3 ? { ...base, ended: due + 3, outcome: 'refused', error: 'ECONNREFUSED' } : { ...base, ended: due + 5000, outcome: 'unknown', error: 'time-out' };
  });
}

function hostSamples(host: string, { end, moved, undone }: { end: number; moved: number; undone: number }): Sample[] {
  const booted = undone + 6000;
  const offset = 3 * hosts.indexOf(host);
  return Array.from({ length: Math.floor(end / 20) }, (_, position): Sample => {
    const at = position * 20 + offset;
    const before = at < zero;
    const state = (server: string) => {
      if (server !== 'cp1' || at < zero + 600 || at >= booted + 2000) return `${server} UP`;
      return at < zero + 900 ? `${server} UP 1/3` : `${server} DOWN`;
    };
    return {
      kind: 'sample',
      host,
      at,
      holdsVip: before ? host === 'cp1' : host === 'cp2' && at >= moved,
      ...(position % 10 === 0 && { leads: before ? host === 'cp1' : host === 'cp3' && at >= zero + 1200, term: before ? 4 : 5, servers: hosts.map(state) }),
    };
  }).filter(({ at }) => host !== 'cp1' || at < zero || at >= booted);
}

function marks(about: string, undone: number): Mark[] {
  return ([['fault begins', zero - 120], ['fault is in', zero], ['undo begins', undone - 200], ['undone', undone], ['healthy', undone + 12_300]] as const).map(([what, at]): Mark => ({ kind: 'mark', what, at, about }));
}

function laneFigures(lane: Lane, requests: readonly Request[], end: number): LaneFigures {
  const mine = requests.filter((one) => one.lane === lane.name);
  const acknowledged = mine.filter(({ outcome }) => outcome === 'acknowledged');
  const times = [0, ...acknowledged.map(({ ended }) => ended).sort((a, b) => a - b), end];
  const latencies = acknowledged.map(({ due, ended }) => ended - due).sort((a, b) => a - b);
  const share = (part: number) => latencies[Math.floor(part * (latencies.length - 1))] ?? Number.NaN;
  return {
    ...lane,
    requests: mine.length,
    acknowledged: acknowledged.length,
    refused: mine.filter(({ outcome }) => outcome === 'refused').length,
    unknown: mine.filter(({ outcome }) => outcome === 'unknown').length,
    longestGap: times.slice(1).reduce((longest, time, position) => Math.max(longest, time - times[position]!), 0),
    p50: median(latencies),
    p99: share(0.99),
    p999: share(0.999),
    dead: (acknowledged.at(-1)?.ended ?? 0) < end - 5000,
  };
}
