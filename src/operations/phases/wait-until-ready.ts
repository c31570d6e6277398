import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { NodeFact } from '../facts.ts';
import { lacksNetwork } from '../lacks-network.ts';
import { untilNodes } from './until-nodes.ts';
import type { Work } from './work.ts';

type Wait = (work: Pick<Work, 'clock' | 'signal'>, api: ApiClient, names: readonly string[]) => Promise<void>;

/** Waits until these nodes are ready for pods. Throws `not-healthy` with the first that is not, and why. */
export const waitUntilReady: Wait = waitFor((node) => node?.ready === true);

/** Waits until these nodes are ready, or lack nothing but a network for pods. Throws `not-healthy` as above. */
export const waitUntilUp: Wait = waitFor((node) => node !== undefined && (node.ready || lacksNetwork(node.reason)));

function waitFor(fits: (node: NodeFact | undefined) => boolean): Wait {
  return async (work, api, names) => {
    await untilNodes(work, api, {
      seconds: 120,
      missing({ nodes }) {
        const name = names.find((one) => !fits(nodes.get(one)));
        return name === undefined ? undefined : new KubekeepError('not-healthy', `node ${name} is not ready: ${nodes.get(name)?.reason ?? 'the cluster does not know it'}`, { hint: `Look at journalctl -u kubelet on ${name}, then run kubekeep apply again.` });
      },
    });
  };
}
