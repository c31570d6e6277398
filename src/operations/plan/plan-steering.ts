import type { Cluster } from '../../cluster/cluster.ts';
import { saysItsLoad, steers } from '../../cluster/steered.ts';
import type { ComponentDesign } from '../../render/design.ts';
import { loadAgentUnit, steerUnit, unitFolder } from '../../render/paths.ts';
import { reachable, type ClusterFacts } from '../facts.ts';
import { unusedPrograms } from './follower-remains.ts';
import { stepsFor, type PhasePlan, type SeenHost, type Step } from './step.ts';

/** What says how busy hosts are, and what steers by it: put there, changed, taken away. Nothing that serves waits for it. */
export function steeringPhase(cluster: Cluster, seen: readonly SeenHost[], designs: ReadonlyMap<string, readonly ComponentDesign[]>, mode: 'build' | 'change'): PhasePlan {
  const steps = seen.flatMap((one) => [
    ...(saysItsLoad(cluster, one.host) ? stepsFor([one], ['load-agent'], mode) : removal(one, 'load-agent', loadAgentUnit, 'nothing restarts')),
    ...(steers(cluster, one.host) ? steerSteps(one, designs.get(one.host.name) ?? [], mode) : removal(one, 'steer', steerUnit, 'weights are whole, and stay so')),
  ]);
  return { name: 'steering', order: steps.every(({ action }) => action === 'start') ? 'all hosts together' : 'one host at a time', steps };
}

/** Why load balancers that should steer do not, in sentences. */
export function steeringWarnings(cluster: Cluster, facts: ClusterFacts, designs: ReadonlyMap<string, readonly ComponentDesign[]>): string[] {
  const without = cluster.hosts.filter((host) => steers(cluster, host) && reachable(facts.hosts.get(host.name)) && !designs.get(host.name)?.some(({ name }) => name === 'steer')).map(({ name }) => name);
  return without.length === 0 ? [] : [`${without.join(', ')} cannot steer traffic: kubekeep runs here on another architecture`];
}

/** An earlier program goes with the follower of the log where there is one: that changes after this. */
function steerSteps(one: SeenHost, designs: readonly ComponentDesign[], mode: 'build' | 'change'): Step[] {
  const unused = designs.some(({ name }) => name === 'keeper') || !designs.some(({ name }) => name === 'steer') ? [] : unusedPrograms(one.found, designs).map((path) => `${path} is not used`);
  const [step] = stepsFor([one], ['steer'], mode);
  if (step) return [{ ...step, reasons: [...step.reasons, ...unused] }];
  return unused.length === 0 ? [] : [{ ...own(one, 'steer'), title: 'steer: remove what is not used', reasons: unused, action: 'none', effect: 'nothing restarts' }];
}

function removal(one: SeenHost, component: 'steer' | 'load-agent', unit: string, effect: string): Step[] {
  if (!one.found.files.has(`${unitFolder}/${unit}`)) return [];
  return [{ ...own(one, component), title: `${component}: remove`, reasons: [`the cluster file does not want ${unit} any more`], action: 'remove', effect }];
}

function own({ host }: SeenHost, component: 'steer' | 'load-agent'): Pick<Step, 'id' | 'host' | 'component' | 'write' | 'programs'> {
  return { id: `${host.name}/${component}`, host: host.name, component, write: [], programs: [] };
}
