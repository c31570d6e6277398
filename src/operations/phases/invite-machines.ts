import type { Cluster, HostSpec } from '../../cluster/cluster.ts';
import type { HostFile } from '../../hosts/host.ts';
import { quote } from '../../hosts/quote.ts';
import { writeScript } from '../../hosts/write-script.ts';
import type { Secret } from '../../lib/secret.ts';
import { issueLeaf } from '../../pki/issue.ts';
import { adminLeaf } from '../../pki/leaves.ts';
import { initFile, joinFolder } from '../../render/kubeadm.ts';
import { kubeconfig } from '../../render/kubeconfig.ts';
import { pkiFolder, programPath } from '../../render/paths.ts';
import { lockGuard } from '../lock.ts';
import { joinAnnotation } from '../look-at-nodes.ts';
import { joinHash } from '../plan/plan-workers.ts';
import { newToken, revokeToken } from './bootstrap-token.ts';
import { runOn } from './note-on.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/**
 * Tells the cluster how machines join it, by kubeadm's own phases: its configuration, that of kubelets, and what a bootstrap token may do. What kubeadm needs
 * for that lies in memory on the host of an API server that is ready while it runs.
 */
export async function inviteMachines(work: Work): Promise<void> {
  const { cluster } = work;
  const token = newToken();
  const phase = (words: string) => kubeadmPhase(cluster, words, `--kubeconfig ${joinFolder}/admin.conf > /dev/null`);
  await withApi(work, async (api, host) => {
    const files = await filesFor(work, host, token);
    try {
      await runOn(work, host.name, [lockGuard(work.token), inMemory, writeScript(files), phase('upload-config kubeadm'), phase('upload-config kubelet'), phase('bootstrap-token --skip-token-print')].join('\n'), { what: 'telling the cluster how machines join it' });
      await api.patch('/api/v1/namespaces/kube-system/configmaps/kubeadm-config', { metadata: { annotations: { [joinAnnotation]: joinHash(cluster) } } });
    } finally {
      await revokeToken(api, token);
    }
  });
}

async function filesFor({ cluster, clock, prepared: { opened: { secrets } } }: Work, host: HostSpec, token: Secret): Promise<readonly HostFile[]> {
  const { certificate, privateKey } = await issueLeaf(adminLeaf('kubekeep', 'system:masters'), secrets.authorities.kubernetes, { now: clock.now(), days: 1 / 24 });
  const access = kubeconfig({ cluster: cluster.name, server: `https://${host.address}:6443`, authority: { pem: secrets.authorities.kubernetes.certificate }, user: 'kubekeep', credentials: { certificate, key: privateKey.reveal() } });
  return [
    { path: `${joinFolder}/kubeadm.yaml`, content: initFile(cluster, host, token).reveal(), mode: 0o600 },
    { path: `${joinFolder}/admin.conf`, content: access, mode: 0o600 },
  ];
}

/** A line that runs a phase of `kubeadm init`. It does not see the PKI: a CA without its key would make it look for files that only its own clusters have. */
export function kubeadmPhase({ kubernetes }: Cluster, phase: string, more: string): string {
  return `unshare --mount sh -c ${quote(`mount -t tmpfs tmpfs ${pkiFolder} && ${programPath('kubeadm', kubernetes.version)} init phase ${phase} --config ${joinFolder}/kubeadm.yaml ${more}`)} || exit 1`;
}

/** The folder goes with the script, however that ends. */
export const inMemory = `rm -rf ${joinFolder}; mkdir -m 0700 ${joinFolder} || exit 1
trap 'rm -rf ${joinFolder}' EXIT`;
