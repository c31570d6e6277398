import type { Cluster } from '../../cluster/cluster.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { NodeFact, NodesFact } from '../facts.ts';

export interface LeftNode {
  /** A sentence without its full stop. */
  readonly message: string;
  /** What to do about it, a sentence. */
  readonly next: string;
}

/** Nodes that came by `apply` and are not in the cluster file any more: without its address nothing can be done to a host, and without its routes nobody reaches its pods. */
export function leftNodes({ hosts }: Pick<Cluster, 'hosts'>, nodes: NodesFact | undefined): readonly LeftNode[] {
  const left = [...nodes?.nodes ?? []].filter(([name, { managed }]) => managed && !hosts.some((host) => host.name === name));
  return left.map(([name, node]) => ({ message: `${name} is a node of the cluster and not in the cluster file any more`, next: nextOf(name, node) }));
}

/** Throws `unsupported-change` with the first of them. */
export function refuseLeftNodes(cluster: Pick<Cluster, 'hosts'>, nodes: NodesFact | undefined): void {
  const [first] = leftNodes(cluster, nodes);
  if (first) throw new KubekeepError('unsupported-change', first.message, { hint: first.next });
}

function nextOf(name: string, { controlPlane }: NodeFact): string {
  if (controlPlane) return `Put it back into the file with kubelet: false, run kubekeep apply, which moves its pods to other nodes, and take it out then; if it is dead, kubekeep kubectl -- delete node ${name}.`;
  return `Put it back into the file, run kubekeep hosts remove ${name}, which moves its pods to other workers, and take it out then.`;
}
