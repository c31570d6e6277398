import type { HostSpec } from '../../cluster/cluster.ts';
import { leaveNodeScript } from '../leave-script.ts';
import { readNode } from '../look-at-nodes.ts';
import type { Step } from '../plan/step.ts';
import { emptyNode } from './empty-node.ts';
import { forget } from './forget.ts';
import { runOn } from './note-on.ts';
import type { Track } from './roll-host.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Takes the node of a host away that goes on without pods: they move to others first, and nothing but what a node has is taken off the host. */
export async function leaveNode(work: Work, { name }: HostSpec, steps: readonly Step[], track: Track): Promise<void> {
  await withApi(work, (api) => track(steps[0]!, async () => {
    const node = await readNode(api, name, work.signal);
    if (node) await emptyNode(work, api, name, { node, reopens: true });
    await runOn(work, name, leaveNodeScript(work.token), { what: 'taking the kubelet off the host', timeout: 180_000 });
    // Last: a kubelet that runs makes its node anew.
    await forget(api, `/api/v1/nodes/${name}`);
  }));
}
