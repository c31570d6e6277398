import type { OpenProber } from '../probes/open-prober.ts';
import { startSampler, type Sampler } from '../sampler.ts';
import type { Stage } from '../stage.ts';
import { askForVip } from './ask-for-vip.ts';
import { askHashes } from './ask-hashes.ts';
import { lookAtPlan, lookForLeftovers } from './look-for-leftovers.ts';
import type { SecretWatch } from './watch-for-secrets.ts';

export interface KeptWatch {
  readonly sampler: Pick<Sampler, 'mayBeOff'>;
  /** Ends the watch everywhere and the prober; then, where the cluster is healthy again, looks at what the fault has left. All of it comes into the history. */
  stop(restored: boolean): Promise<void>;
}

/** What watches a run beside the prober; the watch for secrets has begun before it. */
export async function keepWatch(stage: Stage, prober: OpenProber, secrets: SecretWatch): Promise<KeptWatch> {
  const sampler = await startSampler(stage, prober.toProber);
  const vip = await askForVip(stage, prober.toProber);
  return {
    sampler,
    async stop(restored) {
      const { asked, error } = await vip.stop();
      const note = error === undefined ? [] : [{ kind: 'mark', what: 'note', at: prober.now(), about: `the VIP was not asked for: ${error}` } as const];
      for (const record of [...asked, ...note, ...(await sampler.stop())]) prober.add(record);
      // What comes now takes processor time that no request shall miss.
      await prober.endProbing();
      for (const look of await secrets.stop()) prober.add({ ...look, at: prober.now() });
      if (!restored) return;
      await askHashes(stage, prober);
      await lookAtPlan(stage, prober);
      await lookForLeftovers(stage, prober);
    },
  };
}
