import type { Platform } from '../programs/program.ts';
import { reachable, type ClusterFacts } from './facts.ts';

/** Which build of the programs a host runs. */
export function platformOn(host: string, facts: ClusterFacts): Platform {
  const found = facts.hosts.get(host);
  return reachable(found) && found.architecture === 'aarch64' ? 'linux-arm64' : 'linux-amd64';
}
