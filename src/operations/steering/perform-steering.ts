import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { isSteered, steers } from '../../cluster/steered.ts';
import { steeringUser } from '../../pki/leaves.ts';
import { configFolder, loadAgentTemplate, loadAgentUnit, pkiFolder, steerUnit, unitFolder } from '../../render/paths.ts';
import { cleanPrograms } from '../follower/clean-programs.ts';
import { unitActive, waitForHost } from '../gates.ts';
import { lockGuard } from '../lock.ts';
import { forget } from '../phases/forget.ts';
import { performComponent, runStep } from '../phases/perform-component.ts';
import { withApi } from '../phases/with-api.ts';
import type { Work } from '../phases/work.ts';
import type { Step } from '../plan/step.ts';
import { priorityLevels } from './follow-api.ts';

/** Installs what steers, or what says a load, on a host, or takes it away. */
export async function performSteering(step: Step, work: Work): Promise<void> {
  if (step.component === 'load-agent') return step.action === 'remove' ? remove(step, work, loadAgentUnit, [`${unitFolder}/${loadAgentTemplate}`, `${configFolder}/load-agent.sh`]) : performComponent(step, work, { wait: true });
  if (step.action === 'remove') {
    await remove(step, work, steerUnit, [`${configFolder}/steer.json`, `${pkiFolder}/steer.crt`, `${pkiFolder}/steer.key`], programsLeft(step, work));
    if (!hostsWith(work.cluster, 'load-balancer').some((host) => steers(work.cluster, host))) await withApi(work, forgetRights);
    return;
  }
  await withApi(work, (api) => giveRights(api, work.cluster));
  await performComponent(step, work, { wait: true });
  await waitForHost(work, work.cluster.hosts.find(({ name }) => name === step.host)!, [unitActive(steerUnit)]);
  await runStep(step, work, `${lockGuard(work.token)}\n${programsLeft(step, work)}`);
}

/** The follower of the log may still run the one before: its own step comes later, and takes that away. */
function programsLeft({ host }: Step, { prepared }: Work): string {
  const designs = prepared.designs.get(host) ?? [];
  return designs.some(({ name }) => name === 'keeper') ? 'true' : cleanPrograms(designs);
}

async function remove(step: Step, work: Work, unit: string, paths: readonly string[], last = 'true'): Promise<void> {
  await runStep(step, work, `${lockGuard(work.token)}
systemctl disable -q --now ${unit} 2>/dev/null
rm -f ${unitFolder}/${unit} ${paths.join(' ')} && systemctl daemon-reload || exit 1
${last}`);
}

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const name = 'kubekeep:steer';
const role = ({ endpoint, services }: Cluster) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name },
  rules: [
    ...(services.some(isSteered) ? [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }, { apiGroups: [''], resources: ['services'], verbs: ['get'] }] : []),
    ...(endpoint.load ? [{ nonResourceURLs: [priorityLevels], verbs: ['get'] }] : []),
  ],
});
const binding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: steeringUser }],
};

async function giveRights(api: ApiClient, cluster: Cluster): Promise<void> {
  const path = (kind: string) => `${rbac}/${kind}/${encodeURIComponent(name)}`;
  await api.apply(path('clusterroles'), role(cluster), { fieldManager: 'kubekeep', force: true });
  await api.apply(path('clusterrolebindings'), binding, { fieldManager: 'kubekeep', force: true });
}

async function forgetRights(api: ApiClient): Promise<void> {
  for (const kind of ['clusterrolebindings', 'clusterroles']) await forget(api, `${rbac}/${kind}/${encodeURIComponent(name)}`);
}
