import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { readNodes } from '../look-at-nodes.ts';
import type { Work } from './work.ts';

/** Waits until these nodes are ready for pods. Throws `not-healthy` with the first that is not, and why. */
export async function waitUntilReady({ clock, signal }: Pick<Work, 'clock' | 'signal'>, api: ApiClient, names: readonly string[]): Promise<void> {
  const deadline = clock.monotonic() + 120_000;
  for (;;) {
    const { nodes } = await readNodes(api, signal);
    const missing = names.find((name) => nodes.get(name)?.ready !== true);
    if (missing === undefined) return;
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `node ${missing} is not ready: ${nodes.get(missing)?.reason ?? 'the cluster does not know it'}`, { hint: `Look at journalctl -u kubelet on ${missing}, then run kubekeep apply again.` });
    await clock.sleep(300, signal);
  }
}
