import type { DrillRecord, Lane } from '../../src/drills/history/record.ts';
import type { Connection } from '../../src/drills/probes/connection.ts';
import type { LaneContext } from '../../src/drills/probes/perform.ts';
import { laneOf } from '../../src/drills/probes/probe-plan.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

/** A lane on a connection, with the records it makes. */
export function laneContext(connection: Connection, lane: Lane = laneOf('write', 'reused', 'VIP', 20), seed = 1): LaneContext & { readonly records: readonly DrillRecord[] } {
  const records: DrillRecord[] = [];
  const plan = { lanes: [lane], doors: {}, ca: '', certificate: '', key: new Secret(''), namespace: 'drill', seed, run: 'r' };
  return { lane, position: 0, plan, connection, clock: systemClock, now: systemClock.monotonic, draw: seededDraw(seed), emit: (record) => records.push(record), patience: 3000, known: { add() {}, at: () => undefined }, records };
}
