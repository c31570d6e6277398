import { readFile, writeFile } from 'node:fs/promises';
import { lanes, startWriter } from '../../src/drills/writer.ts';
import type { Write } from '../../src/drills/history.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { LabCluster } from './lab-cluster.ts';

export interface RollOut {
  readonly applied: Awaited<ReturnType<LabCluster['run']>>;
  readonly writes: number;
  /** Not acknowledged. */
  readonly failed: readonly (Pick<Write, 'lane' | 'object' | 'outcome'> & { readonly took: number })[];
  /** ms from when a write was due until it was acknowledged. */
  readonly slowest: number;
}

/** Adds a SAN and an API server flag to the cluster file, or changes them, and applies that under 80 writes a second, at least 5,000. */
export async function rollOut(it: LabCluster, namespace: string, round: number): Promise<RollOut> {
  const before = (await readFile(it.file, 'utf8')).replace(/\n +extraSans:.*\n +apiServer:.*/, '');
  await writeFile(it.file, before.replace(/^( +)version: 1\.37\.\d+$/m, `$&\n$1extraSans: [api${round}.roll.example]\n$1apiServer: { extraFlags: { max-requests-inflight: "${500 + round}" } }`));
  const writer = startWriter(await it.target(namespace), { rate: 80 / lanes.length, clock: systemClock, run: `roll-${round}` });
  const applied = await it.run('apply', '--yes');
  while (writer.writes.length < 5000) await systemClock.sleep(500);
  await writer.stop();
  const took = ({ due, ended }: Write) => Math.round(ended - due);
  return {
    applied,
    writes: writer.writes.length,
    failed: writer.writes.filter(({ outcome }) => outcome !== 'acknowledged').map((write) => ({ lane: write.lane, object: write.object, outcome: write.outcome, took: took(write) })),
    slowest: Math.max(...writer.writes.map(took)),
  };
}
