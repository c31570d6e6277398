import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { unitActive, waitForHost } from '../gates.ts';
import type { Step } from '../plan/step.ts';
import { approveServing } from './approve-serving.ts';
import { cordon, drain, uncordon } from './drain.ts';
import { labelNode } from './label-node.ts';
import { performComponent } from './perform-component.ts';
import type { Track } from './roll-host.ts';
import { waitUntilReady } from './wait-until-ready.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Changes one node: its pods go to others first where what runs them restarts, and come back when the node is ready again. */
export async function rollNode(work: Work, host: HostSpec, steps: readonly Step[], track: Track): Promise<void> {
  const moves = steps.some(({ component, action }) => action === 'restart' && (component === 'containerd' || component === 'kubelet'));
  await withApi(work, async (api) => {
    const cordoned = moves && (await empty(work, api, host));
    for (const step of steps) {
      await track(step, async () => {
        if (step.action === 'approve') return approveServing(work, api, host);
        if (step.action === 'label') return labelNode(api, host);
        await performComponent(step, work, { wait: true });
        await waitForHost(work, host, [unitActive(step.component === 'containerd' ? 'containerd.service' : `${step.component}.service`)]);
      });
    }
    if (moves) await waitUntilReady(work, api, [host.name]);
    // A kubelet whose node was gone has made it anew.
    if (moves) await labelNode(api, host);
    if (cordoned) await uncordon(api, host.name);
  });
}

/** Whether the node was closed by this: one that somebody else has closed stays closed. */
async function empty(work: Work, api: ApiClient, { name }: HostSpec): Promise<boolean> {
  const node = work.prepared.facts.nodes?.nodes.get(name);
  if (!node?.ready) return false;
  if (!node.cordoned) await cordon(api, name);
  await drain(work, api, name);
  return !node.cordoned;
}
