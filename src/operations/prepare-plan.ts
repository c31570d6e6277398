import type { CachedProgram, Program } from '../programs/program.ts';
import { familyOf, isProgramName } from '../programs/program.ts';
import type { ComponentDesign } from '../render/design.ts';
import { KubekeepError } from '../lib/errors.ts';
import { designsOf } from './designs.ts';
import { reachable, type ClusterFacts } from './facts.ts';
import { followerMaterial, type FollowerMaterial } from './follower/follower-material.ts';
import { lookAtEtcd } from './look-at-etcd.ts';
import { lookAtNodes } from './look-at-nodes.ts';
import { observe } from './observe.ts';
import type { Operation } from './operation.ts';
import { steeringMaterial } from './own-program-input.ts';
import { refuseLeftNodes } from './plan/left-nodes.ts';
import { refuseLostRoles } from './plan/lost-roles.ts';
import { refuseOlderEtcd } from './plan/refuse-older-etcd.ts';
import { refuseOtherMembers } from './plan/refuse-other-members.ts';
import { refuseOtherNetworks } from './plan/refuse-other-networks.ts';
import { refuseServices } from './plan/refuse-services.ts';
import { makePlan, stepsOf, type Plan } from './plan/plan.ts';
import { platformOn } from './platform.ts';
import { openSecrets, refuseOthers, type OpenedSecrets } from './state.ts';
import { refuseStrayBalancers } from './stray-balancers.ts';
import { refuseTakenVips } from './refuse-taken-vips.ts';

/** Everything that was looked up to make a plan, for the one who performs it. */
export interface PreparedPlan {
  readonly plan: Plan;
  readonly facts: ClusterFacts;
  readonly opened: OpenedSecrets;
  readonly designs: ReadonlyMap<string, readonly ComponentDesign[]>;
  /** Where hosts follow the log. */
  readonly material?: FollowerMaterial | undefined;
}

/**
 * Looks at the hosts and compares them with the cluster file; a new cluster gets a VRRP id that is not among the `takenRouterIds`. Changes nothing
 * anywhere. Throws `host-unreachable` where no host answers, and `unsupported-change` or `host-unfit` where the cluster file asks for what this release cannot do.
 */
export async function preparePlan(operation: Operation, takenRouterIds: readonly number[] = []): Promise<PreparedPlan> {
  const { cluster, hosts, clock, signal } = operation;
  const facts = await observe(cluster, hosts, { clock, signal });
  if (![...facts.hosts.values()].some(reachable)) {
    const [first] = facts.hosts.values();
    throw new KubekeepError('host-unreachable', `none of the ${cluster.hosts.length} hosts can be reached: ${first?.reachable === false ? first.reason : ''}`, { hint: 'Check addresses and SSH; kubekeep hosts check says more.' });
  }
  const prepared = await planFrom(operation, { ...facts, takenRouterIds });
  const warnings = await refuseUnsupported(operation, prepared);
  return { ...prepared, plan: { ...prepared.plan, warnings: [...prepared.plan.warnings, ...warnings] } };
}

/** Refuses a change of the cluster file that would break the cluster, and warns of what it cannot know. A restore makes the cluster anew, and asks for none of this. */
async function refuseUnsupported(operation: Operation, { facts, opened }: PreparedPlan): Promise<readonly string[]> {
  const { cluster } = operation;
  refuseLeftNodes(cluster, facts.nodes);
  refuseServices(cluster, facts);
  refuseLostRoles(cluster, facts);
  refuseOtherNetworks(cluster, facts);
  const etcd = await lookAtEtcd(operation, facts, opened.secrets);
  refuseOtherMembers(cluster, etcd?.members);
  refuseOlderEtcd(cluster, etcd?.storageVersion);
  await refuseTakenVips(operation, facts);
  return refuseStrayBalancers(operation, facts);
}

/** Compares what was seen with the cluster file. Throws what opening the secrets throws where they are not `kept` already, and `host-unfit`. */
export async function planFrom(operation: Operation, facts: ClusterFacts, kept?: OpenedSecrets): Promise<PreparedPlan> {
  const { cluster, state, identityFile, clock } = operation;
  if (kept) refuseOthers(facts, kept.secrets.clusterId);
  const opened = kept ?? (await openSecrets(state, { cluster: cluster.name, facts, identityFile, now: clock.now() }));
  const seen = { ...facts, ...(await lookAtNodes(operation, facts, opened.secrets)) };
  const material = await followerMaterial(operation, opened);
  const own = await steeringMaterial(operation);
  const designs = designsOf(cluster, seen, opened, { table: operation.renderers, material, own });
  return { plan: makePlan({ cluster, facts: seen, secrets: opened.secrets, designs }), facts: seen, opened, designs, material };
}

/** Every program that some host should have, once. */
function wantedPrograms(cluster: Operation['cluster'], designs: PreparedPlan['designs'], facts: ClusterFacts): Program[] {
  const wanted = new Map<string, Program>();
  for (const [host, components] of designs) {
    const platform = platformOn(host, facts);
    for (const name of components.flatMap(({ programs }) => Object.keys(programs)).filter(isProgramName)) {
      const version = familyOf(name) === 'etcd' ? cluster.etcd.version : cluster.kubernetes.version;
      wanted.set(`${name} ${platform}`, { name, version, platform });
    }
  }
  return [...wanted.values()];
}

/** Gets the programs that some step of a plan copies: a repair of something else works without any of them. */
export async function fetchNeeded({ cluster, fetchPrograms }: Operation, { plan, designs, facts }: PreparedPlan): Promise<readonly CachedProgram[]> {
  const names = new Set(stepsOf(plan).flatMap(({ programs }) => programs));
  const wanted = wantedPrograms(cluster, designs, facts).filter(({ name }) => names.has(name));
  return wanted.length === 0 ? [] : fetchPrograms(wanted);
}
