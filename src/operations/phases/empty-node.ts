import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { NodeFact } from '../facts.ts';
import { cordon, drain } from './drain.ts';
import type { Work } from './work.ts';

export interface Emptied {
  /** The node as the cluster knows it now: what was known when the plan was made may be nothing. */
  readonly node: NodeFact;
  /** Its kubelet lives, so that its pods can end. Default: where the node is ready. */
  readonly alive?: boolean | undefined;
  /** It is opened again afterwards, and says so: a run that is cut leaves that to the next `apply`. */
  readonly reopens?: boolean;
}

/** Closes a node for new pods and moves those that it has to others. Returns whether it is to be opened again: one that somebody else has closed stays closed. Throws `not-healthy` where a pod does not go. */
export async function emptyNode(work: Pick<Work, 'clock' | 'signal' | 'progress'>, api: ApiClient, name: string, { node, alive = node.ready, reopens = false }: Emptied): Promise<boolean> {
  if (!node.cordoned) await cordon(api, name, { reopens });
  if (alive) await drain(work, api, name);
  return !node.cordoned || node.toBeOpened;
}
