import type { Clock } from '../lib/clock.ts';
import { Secret } from '../lib/secret.ts';
import { measureLane, requestWindow, type MeasuredLane } from './guarantees/availability.ts';
import type { DrillRecord, Lane } from './history/record.ts';
import type { Door } from './probes/probe-plan.ts';
import { startProber } from './probes/prober.ts';

/** Visits pages by all lanes while `work` is going on; resolves to what each lane felt, in their order. Doors speak HTTP without TLS. */
export async function visitDuring({ doors, lanes, clock }: { readonly doors: Readonly<Record<string, Door>>; readonly lanes: readonly Lane[]; readonly clock: Clock }, work: () => Promise<void>): Promise<readonly MeasuredLane[]> {
  const records: DrillRecord[] = [];
  const prober = startProber({ lanes, doors, ca: '', certificate: '', key: new Secret(''), namespace: '', seed: 1, run: 'visits' }, { clock, onRecord: (record) => records.push(record) });
  try {
    await work();
  } finally {
    await prober.stop();
  }
  const window = requestWindow(records);
  return lanes.map((lane) => measureLane(lane, records, window));
}
