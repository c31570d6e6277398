import type { Clock } from '../../lib/clock.ts';
import type { DrillRecord, Lane, Outcome, Request } from '../history/record.ts';
import { parseJson, readConfigMap } from './config-map.ts';
import type { Call, Connection } from './connection.ts';
import type { ProbePlan } from './probe-plan.ts';
import { send } from './send.ts';
import type { Answer } from './send.ts';

/** What a lane works with. */
export interface LaneContext {
  readonly lane: Lane;
  /** Position of the lane in the plan: makes names and values unique. */
  readonly position: number;
  readonly plan: ProbePlan;
  readonly connection: Connection;
  readonly clock: Clock;
  /** Milliseconds since the prober began. */
  now(): number;
  /** From 0 up to 1, the lane's own. */
  draw(): number;
  emit(record: DrillRecord): void;
  /** How long a request may take with its repetitions: milliseconds. */
  readonly patience: number;
  /** Objects that exist as far as this prober knows, the newest last. */
  readonly known: KnownObjects;
}

export interface KnownObjects {
  add(object: string): void;
  /** Any of them by turn; undefined while there is none. */
  at(turn: number): string | undefined;
}

/** A lane's request number `turn`, which is due at `due`. Resolves when it is answered or given up; never rejects. */
export type Turn = (due: number, turn: number) => Promise<void>;

type Wanted = Pick<Request, 'operation' | 'object' | 'value' | 'expected'>;

/** Sends one request and records it. */
export async function perform({ lane, connection, clock, now, emit, patience }: LaneContext, due: number, wanted: Wanted, call: Call): Promise<Request> {
  const sent = now();
  const answer = await send(connection, call, { patience, clock });
  const ended = now();
  const { status, failure } = answer;
  const said = outcomeOf(wanted.operation, answer);
  const { revision, value } = said === 'acknowledged' && status !== 404 ? readConfigMap(parseJson(answer.text)) : {};
  // An object without a revision is none: it must not pass for a read of nothing.
  const blank = lane.workload !== 'visit' && wanted.operation === 'get' && status === 200 && said === 'acknowledged' && revision === undefined;
  const outcome = blank ? 'unknown' : said;
  const record: Request = {
    kind: 'request',
    lane: lane.name,
    ...wanted,
    due,
    sent,
    ended,
    outcome,
    ...(status !== undefined && { status }),
    ...(failure && { error: failure.error }),
    ...(blank && { error: 'not understood' }),
    ...(revision !== undefined && { revision }),
    ...(wanted.operation === 'get' && value !== undefined && { value }),
  };
  emit(record);
  return record;
}

/** To read that there is no object is an answer like any other. A cut answer says nothing for sure, whatever its first line was. */
function outcomeOf(operation: Request['operation'], { status, failure }: Answer): Outcome {
  if (failure) return failure.unprocessed ? 'refused' : 'unknown';
  if (status === undefined || status >= 500) return 'unknown';
  return status < 300 || (operation === 'get' && status === 404) ? 'acknowledged' : 'refused';
}
