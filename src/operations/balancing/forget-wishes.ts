import { nodesOf } from '../../cluster/service.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { expectSuccess } from '../../hosts/local.ts';
import { writeScript } from '../../hosts/write-script.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { byHandFile } from '../../render/paths.ts';
import type { Operation } from '../operation.ts';
import { nameOf } from './balancer.ts';
import { byHandText, isOfApi, parseByHand, type ByHand } from './by-hand.ts';

/** The servers of all services, as `by-hand.json` calls them. */
export function serversOf({ services, hosts }: Pick<Cluster, 'services' | 'hosts'>): ReadonlySet<string> {
  return new Set(services.flatMap((service) => nodesOf(service, hosts).map((host) => nameOf({ service: service.name, server: host.name }))));
}

/**
 * Shell lines that end the wishes of one balancer for servers that it will not have any more: they would meet the next node, or service, of that name. For whoever
 * holds the lock; throws where the host does not answer.
 */
export async function forgetWishes({ hosts }: Pick<Operation, 'hosts'>, host: string, known: ReadonlySet<string>): Promise<string> {
  const { stdout } = expectSuccess(await hosts.get(host)!.run(`[ ! -f ${byHandFile} ] || cat ${byHandFile}`, { timeout: 10_000 }), 'reading what was decided by hand');
  const before = readable(stdout);
  const after = Object.entries(before).filter(([name]) => isOfApi(name) || known.has(name));
  if (after.length === Object.keys(before).length && known.size > 0) return '';
  return after.length === 0 ? `rm -f ${byHandFile} || exit 1` : writeScript([{ path: byHandFile, content: byHandText(Object.fromEntries(after)), mode: 0o644 }]);
}

/** Nobody carries out one that cannot be read, and `kubekeep lb` says what is to be done about it. */
function readable(text: string): ByHand {
  try {
    return parseByHand(text);
  } catch (error) {
    if (error instanceof KubekeepError) return {};
    throw error;
  }
}
