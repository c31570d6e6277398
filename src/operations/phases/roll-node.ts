import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import type { NodeFact } from '../facts.ts';
import { unitActive, waitForHost } from '../gates.ts';
import { readNode } from '../look-at-nodes.ts';
import { movesPods } from '../plan/plan-workers.ts';
import type { Step } from '../plan/step.ts';
import { approveServing } from './approve-serving.ts';
import { uncordon, untilForgotten } from './drain.ts';
import { emptyNode } from './empty-node.ts';
import { labelNode } from './label-node.ts';
import { performComponent } from './perform-component.ts';
import type { Track } from './roll-host.ts';
import { waitUntilReady, waitUntilUp } from './wait-until-ready.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Changes one node: its pods go to others first where what runs them restarts, and come back when the node is ready again. */
export async function rollNode(work: Work, host: HostSpec, steps: readonly Step[], track: Track): Promise<void> {
  const moves = movesPods(steps);
  await withApi(work, async (api) => {
    const before = moves ? await readNode(api, host.name, work.signal) : undefined;
    if (moves && before === undefined) await untilForgotten(work, api, host.name);
    const opens = moves && (await empty(work, api, host, before));
    for (const step of steps) {
      await track(step, async () => {
        if (step.action === 'approve') return approveServing(work, api, host);
        if (step.action === 'label') return labelNode(api, host);
        if (step.action === 'open') return uncordon(api, host.name);
        await performComponent(step, work, { wait: true });
        await waitForHost(work, host, [unitActive(step.component === 'containerd' ? 'containerd.service' : `${step.component}.service`)]);
      });
    }
    if (moves) await comeBack(work, api, host, before);
    if (opens) await uncordon(api, host.name);
  });
}

/** What was ready has to be again before the next one; what was not may be waiting for its network, which nodes get later. @internal */
export async function comeBack(work: Pick<Work, 'clock' | 'signal'>, api: ApiClient, host: HostSpec, before: Pick<NodeFact, 'ready'> | undefined): Promise<void> {
  await (before?.ready ? waitUntilReady : waitUntilUp)(work, api, [host.name]);
  // A kubelet whose node was gone has made it anew.
  await labelNode(api, host);
}

/** As the cluster knows the node now. One that is not ready has nothing to lose. */
async function empty(work: Work, api: ApiClient, { name }: HostSpec, node: NodeFact | undefined): Promise<boolean> {
  if (!node?.ready) return node?.toBeOpened === true;
  return emptyNode(work, api, name, { node, reopens: true });
}
