import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { untilNodes } from './until-nodes.ts';
import type { Work } from './work.ts';

/** Waits until these nodes are ready for pods. Throws `not-healthy` with the first that is not, and why. */
export async function waitUntilReady(work: Pick<Work, 'clock' | 'signal'>, api: ApiClient, names: readonly string[]): Promise<void> {
  await untilNodes(work, api, {
    seconds: 120,
    missing({ nodes }) {
      const name = names.find((one) => nodes.get(one)?.ready !== true);
      return name === undefined ? undefined : new KubekeepError('not-healthy', `node ${name} is not ready: ${nodes.get(name)?.reason ?? 'the cluster does not know it'}`, { hint: `Look at journalctl -u kubelet on ${name}, then run kubekeep apply again.` });
    },
  });
}
