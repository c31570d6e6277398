import type { Cluster } from '../../cluster/cluster.ts';
import type { Clock } from '../../lib/clock.ts';
import { parallel } from '../../lib/parallel.ts';
import { plainConnections } from './new-connections.ts';
import { visited } from './probe-plan.ts';
import { send } from './send.ts';

/** Names of the services that give a page now: one behind which nothing runs has no lane, or it would be dead in every drill. Waits 3 s at most. */
export async function answeringServices(cluster: Pick<Cluster, 'services'>, clock: Clock): Promise<readonly string[]> {
  const answers = await parallel(visited(cluster), async ({ name, listen }) => {
    const connection = plainConnections({ address: listen.vip, port: listen.port }, { kept: false });
    const { status = 599 } = await send(connection, { method: 'GET', path: '/' }, { patience: 3000, clock });
    connection.close();
    return status < 500 ? [name] : [];
  });
  return answers.flat();
}
