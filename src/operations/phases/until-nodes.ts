import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { KubekeepError } from '../../lib/errors.ts';
import type { NodesFact } from '../facts.ts';
import { readNodes } from '../look-at-nodes.ts';
import type { Work } from './work.ts';

export interface NodesWish {
  readonly seconds: number;
  /** Undefined where the nodes are as they should be, else what to throw when the time is over. */
  readonly missing: (seen: NodesFact) => KubekeepError | undefined | Promise<KubekeepError | undefined>;
}

/** Looks at the nodes until they are as they should be; what was seen then. */
export async function untilNodes({ clock, signal }: Pick<Work, 'clock' | 'signal'>, api: ApiClient, { seconds, missing }: NodesWish): Promise<NodesFact> {
  const deadline = clock.monotonic() + seconds * 1000;
  for (;;) {
    const seen = await readNodes(api, signal);
    const problem = await missing(seen);
    if (!problem) return seen;
    if (clock.monotonic() > deadline) throw problem;
    await clock.sleep(200, signal);
  }
}
