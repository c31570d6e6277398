import { dirname } from 'node:path';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import type { HostFile } from '../../hosts/host.ts';
import { writeScript } from '../../hosts/write-script.ts';
import { KubekeepError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import { discoveryFile, joinFile, joinFolder } from '../../render/kubeadm.ts';
import { kubeletFolder, kubeletKubeconfig, programPath } from '../../render/paths.ts';
import { refuseForeignNode } from '../designs.ts';
import { reachable } from '../facts.ts';
import { readNode } from '../look-at-nodes.ts';
import type { Step } from '../plan/step.ts';
import { materialize, stepExit, stepScript } from '../step-script.ts';
import { approveServing } from './approve-serving.ts';
import { grantToken, newToken, revokeToken } from './bootstrap-token.ts';
import { forget } from './forget.ts';
import { inMemory } from './invite-machines.ts';
import { kubeadmFailure } from './kubeadm-failure.ts';
import { labelNode } from './label-node.ts';
import { lockLost } from './note-on.ts';
import { designOf } from './perform-component.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Minutes that a bootstrap token lives if it is not revoked, as it is when the join has ended. */
const tokenLife = 15;

/** Lets a host join by the real `kubeadm join`, with a token for it alone, and grants the certificate under which its kubelet serves. */
export async function joinNode(step: Step, work: Work): Promise<void> {
  const host = work.cluster.hosts.find(({ name }) => name === step.host)!;
  await withApi(work, async (api) => {
    await makeRoom(work, api, host);
    const token = newToken();
    await grantToken(api, token, { description: `kubekeep apply: ${host.name} joins`, minutes: tokenLife, now: work.clock.now() });
    try {
      await join(step, work, host, token);
    } finally {
      await revokeToken(api, token);
    }
    await approveServing(work, api, host);
    await labelNode(api, host);
  });
}

/**
 * Forgets what was left of a machine of that name before it was reinstalled: kubeadm takes no name that is there. Throws `host-unfit` where another machine has it, which the plan may not have known.
 * @internal
 */
export async function makeRoom({ signal }: Pick<Work, 'signal'>, api: ApiClient, host: HostSpec): Promise<void> {
  refuseForeignNode(host, { joined: false, identity: undefined }, await readNode(api, host.name, signal));
  await forget(api, `/api/v1/nodes/${host.name}`);
}

async function join(step: Step, work: Work, host: HostSpec, token: Secret): Promise<void> {
  const { cluster, prepared, clock } = work;
  const { secrets } = prepared.opened;
  const found = prepared.facts.hosts.get(host.name);
  if (!reachable(found)) throw new Error(`${host.name} was not seen`);
  const design = designOf(step, work);
  const { files, keys } = await materialize(design, design.files.map(({ path }) => path), secrets, clock.now());
  // kubeadm wants to write this one itself; ours, which says the same, follows the cluster file from then on.
  const [own, others] = [files.filter(({ path }) => path === kubeletKubeconfig), files.filter(({ path }) => path !== kubeletKubeconfig)];
  const forJoin: readonly HostFile[] = [
    { path: `${joinFolder}/join.yaml`, content: joinFile(token, { host, containers: found.containers }).reveal(), mode: 0o600 },
    { path: `${joinFolder}/discovery.conf`, content: discoveryFile(cluster, secrets.authorities.kubernetes.certificate, token).reveal(), mode: 0o600 },
  ];
  const activate = joinLines(cluster.kubernetes.version, forJoin, own);
  const script = stepScript({ token: work.token, journal: `${step.id} join by ${work.user}`, design, files: others, keys, activate });
  const { exitCode, stderr } = await work.hosts.get(host.name)!.run(script, { timeout: 420_000 });
  if (exitCode === stepExit.lockLost) throw lockLost(host.name);
  if (exitCode !== 0) throw joinFailed(host, stderr.replaceAll(token.reveal().split('.')[1]!, '…'));
}

/** Whatever a join that was cut has left goes first. */
function joinLines(version: string, forJoin: readonly HostFile[], own: readonly HostFile[]): string[] {
  const [kubelet, kubeadm] = [programPath('kubelet', version), programPath('kubeadm', version)];
  return [
    'systemctl stop kubelet.service',
    `rm -rf ${kubeletFolder}/pki ${kubeletKubeconfig} /etc/kubernetes/bootstrap-kubelet.conf /etc/kubernetes/manifests`,
    inMemory,
    writeScript(forJoin),
    // kubeadm looks for the kubelet there.
    `PATH=$PATH:${dirname(kubelet)}`,
    'systemctl enable -q kubelet.service || exit 1',
    `${kubeadm} join --config ${joinFolder}/join.yaml > /dev/null || exit 1`,
    writeScript(own),
    'timeout 120 systemctl restart kubelet.service || exit 1',
  ];
}

function joinFailed({ name }: HostSpec, stderr: string): KubekeepError {
  return new KubekeepError('not-healthy', `${name} could not join the cluster: ${kubeadmFailure(stderr)}`, { hint: `Look at journalctl -u kubelet on ${name}, then run kubekeep apply again.` });
}
