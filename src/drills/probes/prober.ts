import type { Clock } from '../../lib/clock.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { historyFormat } from '../history/record.ts';
import type { ConnectionKind, DrillRecord, Lane, Workload } from '../history/record.ts';
import { clientTimers, endpointOf } from './connection.ts';
import type { ClientTimers, Connection } from './connection.ts';
import { keptConnection } from './kept-connection.ts';
import { newConnections, plainConnections } from './new-connections.ts';
import { startOpenLoop } from './open-loop.ts';
import type { KnownObjects, LaneContext, Turn } from './perform.ts';
import type { ProbePlan } from './probe-plan.ts';
import { readLane } from './read-lane.ts';
import { registerLane } from './register-lane.ts';
import { visitLane } from './visit-lane.ts';
import { startWatchLane } from './watch-lane.ts';
import { writeLane } from './write-lane.ts';

export interface Prober {
  /** Milliseconds since it began: the time of all its records. */
  now(): number;
  /** Sends no more, and waits until what is open is answered or given up and the watches have told the last write: 12 s at most. */
  stop(): Promise<void>;
}

interface ProberOptions {
  readonly clock: Clock;
  onRecord(record: DrillRecord): void;
  readonly timers?: Readonly<Record<ConnectionKind, ClientTimers>>;
}

/** Milliseconds. Watches get a moment to open before the first request. */
const headStart = 300;
const longestEnd = 12_000;
const watchGrace = 2000;

/** Runs all lanes of a plan in this process, each on connections of its own. */
export function startProber(plan: ProbePlan, { clock, onRecord, timers = clientTimers }: ProberOptions): Prober {
  const start = clock.monotonic();
  const now = () => clock.monotonic() - start;
  onRecord({ kind: 'began', format: historyFormat, epoch: clock.now(), lanes: plan.lanes });
  const known = knownObjects();
  let newest = 0;
  const emit = (record: DrillRecord) => {
    if (record.kind === 'request' && record.operation !== 'get') newest = Math.max(newest, record.revision ?? 0);
    onRecord(record);
  };
  const contextOf = (lane: Lane, position: number): LaneContext => {
    const connection = connect(plan, lane, timers, clock);
    return { lane, position, plan, connection, clock, now, draw: seededDraw(plan.seed + position), emit, patience: timers[lane.connection].request, known };
  };
  const contexts = plan.lanes.map(contextOf);
  const quietContexts = (plan.quiet ?? []).map(contextOf);
  const quiet = quietContexts.map((context) => startWatchLane(context, { quiet: true }));
  const watches = contexts.filter(({ lane }) => lane.workload === 'watch').map((context) => startWatchLane(context));
  const open = new Set<Promise<void>>();
  const stopSending = startOpenLoop(repeatedLanes(contexts, open), now);
  return {
    now,
    async stop() {
      stopSending();
      const end = clock.monotonic() + longestEnd;
      const limit = new AbortController();
      await Promise.race([Promise.all(open), clock.sleep(longestEnd, limit.signal).catch(() => {})]);
      limit.abort();
      const grace = Math.min(end, clock.monotonic() + watchGrace);
      while (watches.some(({ revision }) => revision < newest) && clock.monotonic() < grace) await clock.sleep(20);
      await Promise.all([...watches, ...quiet].map((watch) => watch.stop()));
      for (const { connection } of [...contexts, ...quietContexts]) connection.close();
    },
  };
}

function connect(plan: ProbePlan, { connection, door }: Lane, timers: NonNullable<ProberOptions['timers']>, clock: Clock): Connection {
  const { serverName, ...where } = plan.doors[door]!;
  if (serverName === undefined) return plainConnections(where, { kept: connection !== 'new' });
  const endpoint = endpointOf({ ...where, serverName }, plan);
  return connection === 'new' ? newConnections(endpoint) : keptConnection(endpoint, timers[connection], clock);
}

const turnsOf: Readonly<Record<Exclude<Workload, 'watch'>, (context: LaneContext) => Turn>> = { write: writeLane, read: readLane, register: registerLane, visit: visitLane };

/** The lanes begin one after the other within a period, so that they do not all send in the same millisecond. */
function repeatedLanes(contexts: readonly LaneContext[], open: Set<Promise<void>>) {
  return contexts.flatMap((context, position) => {
    const { workload, rate } = context.lane;
    if (workload === 'watch') return [];
    const turnOf = turnsOf[workload](context);
    const fire = (due: number, turn: number) => {
      const work = turnOf(due, turn).finally(() => open.delete(work));
      open.add(work);
    };
    return [{ rate, first: headStart + (position / contexts.length) * (1000 / rate), fire }];
  });
}

/** The last few, so that reads touch what was just written. */
function knownObjects(): KnownObjects {
  const names: string[] = [];
  return {
    add(object) {
      names.push(object);
      if (names.length > 16) names.shift();
    },
    at: (turn) => names[turn % names.length],
  };
}
