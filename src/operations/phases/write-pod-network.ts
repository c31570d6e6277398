import { nodeHosts } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { parallel } from '../../lib/parallel.ts';
import { designsOf } from '../designs.ts';
import { reachable, type NodesFact } from '../facts.ts';
import { leavePodNetworkScript } from '../leave-script.ts';
import type { Step } from '../plan/step.ts';
import { designOf, performComponent } from './perform-component.ts';
import { runOn } from './note-on.ts';
import { tracked } from './tracked.ts';
import { untilNodes } from './until-nodes.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Writes bridges and routes on all hosts, or takes them away. Where nodes have just joined, which networks their pods have is asked first. */
export async function writePodNetwork(steps: readonly Step[], work: Work): Promise<void> {
  const nodes = await withApi(work, (api) => untilNodes(work, api, {
    seconds: 60,
    missing(seen) {
      const without = withoutNetwork(work, seen);
      return without.length === 0 ? undefined : new KubekeepError('not-healthy', `${without.join(', ')} got no network for pods from the controller manager`, { hint: 'kubekeep status says whether a controller manager leads.' });
    },
  }));
  const designs = designsOf(work.cluster, { ...work.prepared.facts, nodes }, work.prepared.opened, { table: work.renderers, material: work.prepared.material });
  const informed: Work = { ...work, prepared: { ...work.prepared, designs } };
  await parallel(steps, (step) => tracked(step, work, async () => {
    if (step.action === 'remove') {
      await runOn(work, step.host, leavePodNetworkScript(work.token), { what: step.title });
      return;
    }
    const write = designOf(step, informed).files.map(({ path }) => path);
    await performComponent({ ...step, write, action: 'restart' }, informed, { wait: true });
  }));
}

function withoutNetwork({ cluster, prepared }: Work, { nodes }: NodesFact): readonly string[] {
  return nodeHosts(cluster).map(({ name }) => name).filter((name) => reachable(prepared.facts.hosts.get(name)) && nodes.get(name)?.podNetwork === undefined);
}
