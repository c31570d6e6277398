import type { Role } from '../../src/cluster/cluster.ts';
import { apiThroughVip } from '../../src/drills/api-through-vip.ts';
import { lostWrites, summarizeLane } from '../../src/drills/history.ts';
import { listConfigMaps } from '../../src/drills/list-config-maps.ts';
import { lanes, startWriter } from '../../src/drills/writer.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { LabCluster } from './lab-cluster.ts';

export interface Loss {
  readonly host: string;
  readonly roles: readonly Role[];
  /** Seconds: the longest time without an acknowledged write on each lane. */
  readonly gaps: Readonly<Record<(typeof lanes)[number], number>>;
  readonly acknowledged: number;
  readonly lost: number;
  /** A lane that had no acknowledged write at the end. */
  readonly dead: readonly string[];
}

/**
 * Cuts the power of one host under load, waits `seconds`, gives it power again and waits until everything is healthy. Writes go through the VIP all
 * the time; every acknowledged one must exist afterwards.
 */
export async function loseHost(it: LabCluster, host: string, namespace: string, seconds = 8): Promise<Loss> {
  const writer = startWriter(await it.target(namespace), { rate: 20, clock: systemClock, run: `${host}-${Math.round(performance.now())}` });
  const from = systemClock.monotonic();
  try {
    await systemClock.sleep(1500);
    await powerOff(it.lab, host);
    await systemClock.sleep(seconds * 1000);
    await powerOn(it.lab, host);
    await it.healthy();
    await systemClock.sleep(1000);
  } finally {
    await writer.stop();
  }
  const to = Math.max(...writer.writes.map(({ due }) => due));
  const summaries = lanes.map((lane) => summarizeLane(lane, writer.writes, { from, to, deadAfter: 3000 }));
  return {
    host,
    roles: it.cluster.hosts.find(({ name }) => name === host)!.roles,
    gaps: Object.fromEntries(summaries.map(({ lane, longestGap }) => [lane, longestGap / 1000])) as Loss['gaps'],
    acknowledged: summaries.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    lost: lostWrites(writer.writes, await apiThroughVip(await it.reach(), (api) => listConfigMaps(api, namespace))).length,
    dead: summaries.filter(({ dead }) => dead).map(({ lane }) => lane),
  };
}
