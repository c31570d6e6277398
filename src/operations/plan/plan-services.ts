import type { Cluster } from '../../cluster/cluster.ts';
import { serviceVips } from '../../cluster/service.ts';
import type { ComponentName } from '../../render/design.ts';
import { servicesUnit, serviceVipsUnit, unitFolder } from '../../render/paths.ts';
import { stepsFor, type SeenHost, type Step } from './step.ts';

/**
 * What balancers of services have to be given, and what nobody wants any more. Services come before their VIPs, and go after them. Hosts that are load balancers no more come first: the others would not listen to them,
 * and hold VIPs beside them. Those that are new come last, when the others know them.
 */
export function serviceSteps(cluster: Cluster, seen: readonly SeenHost[], mode: 'build' | 'change'): Step[] {
  const balances = ({ host }: SeenHost) => host.roles.includes('load-balancer');
  const isNew = ({ found }: SeenHost) => !found.files.has(`${unitFolder}/${serviceVipsUnit}`);
  const balancers = seen.filter(balances);
  return [...seen.filter((one) => !balances(one)), ...balancers.filter((one) => !isNew(one)), ...balancers.filter(isNew)].flatMap((one) => [...removals(cluster, one), ...stepsFor([one], ['services', 'service-vips'], mode)]);
}

function removals(cluster: Cluster, { host, found }: SeenHost): Step[] {
  const balances = host.roles.includes('load-balancer');
  const unwanted = [
    ['service-vips', serviceVipsUnit, balances && serviceVips(cluster).length > 0],
    ['services', servicesUnit, balances && cluster.services.length > 0],
  ] as const satisfies readonly (readonly [ComponentName, string, boolean])[];
  return unwanted.flatMap(([component, unit, wanted]): Step[] => {
    if (wanted || !found.files.has(`${unitFolder}/${unit}`)) return [];
    return [{ id: `${host.name}/${component}`, host: host.name, component, title: `${component}: remove`, reasons: [`the cluster file does not want ${unit} any more`], action: 'remove', write: [], programs: [], effect: component === 'services' ? 'connections to services through this host end' : 'its VIPs go away' }];
  });
}
