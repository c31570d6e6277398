import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { NodeFact } from '../facts.ts';
import { cordon, drain, lonePods } from './drain.ts';
import type { Work } from './work.ts';

export interface Emptied {
  /** The node as the cluster knows it now: what was known when the plan was made may be nothing. */
  readonly node: NodeFact;
  /** It is opened again afterwards, and says so: a run that is cut leaves that to the next `apply`. */
  readonly reopens?: boolean;
}

/**
 * Closes a node for new pods and moves those that it has to others. Returns whether it is to be opened again: one that somebody else has closed stays closed. Throws `needs-confirmation`
 * where pods would be deleted for good and nobody has said that they may, before anything is touched, and `not-healthy` where a pod does not go.
 */
export async function emptyNode(work: Pick<Work, 'clock' | 'signal' | 'progress' | 'deleteLonePods'>, api: ApiClient, name: string, { node, reopens = false }: Emptied): Promise<boolean> {
  const lone = node.alive ? await lonePods(api, name, work.signal) : [];
  if (lone.length > 0 && work.deleteLonePods !== true) throw wouldBeLost(name, lone);
  if (!node.cordoned) await cordon(api, name, { reopens });
  if (lone.length > 0) work.progress({ type: 'note', host: name, title: `deleted for good, since no controller makes them again: ${some(lone)}` });
  await drain(work, api, name);
  return !node.cordoned || node.toBeOpened;
}

function wouldBeLost(node: string, pods: readonly string[]): KubekeepError {
  const [namespace, pod] = pods[0]!.split('/');
  const one = pods.length === 1;
  return new KubekeepError('needs-confirmation', `${node} keeps its pods: ${one ? 'pod' : 'pods'} ${some(pods)} ${one ? 'has' : 'have'} no controller, so nothing would make ${one ? 'it' : 'them'} again elsewhere`, {
    hint: `Let a Deployment or the like run what is needed, delete ${one ? 'it' : 'each'} yourself (kubekeep kubectl -- delete pod -n ${namespace} ${pod}), then run the same command again. With --delete-lone-pods that command deletes ${one ? 'it' : 'them'}.`,
  });
}

function some(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}
