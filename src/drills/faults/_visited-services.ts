import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import { nodesOf, type ServiceSpec } from '../../cluster/service.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { answeringServices } from '../probes/answering-services.ts';
import { visited } from '../probes/probe-plan.ts';
import { shuffled, type Stage } from '../stage.ts';

export function needsService(cluster: Cluster): string | undefined {
  return visited(cluster).length > 0 ? undefined : 'the cluster file has no service in http mode';
}

export function needsTwoNodes(cluster: Cluster): string | undefined {
  return needsService(cluster) ?? (withTwoNodes(cluster).length > 0 ? undefined : 'no service leads to two nodes');
}

/** The services that are visited and lead to two nodes or more. */
export function withTwoNodes(cluster: Cluster): readonly ServiceSpec[] {
  return visited(cluster).filter((service) => nodesOf(service, cluster.hosts).length > 1);
}

/** A node of the first of these services. Throws `drill-refused` where it does not answer. */
export async function victim(stage: Stage, service: ServiceSpec = withTwoNodes(stage.operation.cluster)[0]!): Promise<{ readonly node: HostSpec; readonly about: string }> {
  await refuseSilent(stage, service.name);
  const node = shuffled(nodesOf(service, stage.operation.cluster.hosts), stage.draw)[0]!;
  return { node, about: `${node.name}, to which ${service.name} leads` };
}

/** Where nothing answers before, nothing can be found out. */
export async function refuseSilent({ operation: { cluster, clock } }: Stage, service: string): Promise<void> {
  if ((await answeringServices(cluster, clock)).includes(service)) return;
  throw new KubekeepError('drill-refused', `service ${service} does not answer, so nothing that its visitors feel could be measured`, { hint: 'kubekeep lb list shows its servers.' });
}
