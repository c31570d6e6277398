import { posix } from 'node:path';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { whereThere } from '../../clients/kubernetes/where-there.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { writeScript } from '../../hosts/write-script.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { initFile, joinFolder } from '../../render/kubeadm.ts';
import { corefileHash, dnsObjects, type KubernetesObject, type PlacedObject } from '../dns-objects.ts';
import { lockGuard } from '../lock.ts';
import { dnsHash, foreignDns } from '../plan/plan-dns.ts';
import { corefileAnnotation, dnsConfigPath, dnsDeploymentPath, dnsPodsAnnotation, podsHash, readDns, type DnsDeployment } from '../read-dns.ts';
import { inMemory, kubeadmPhase } from './invite-machines.ts';
import { runOn } from './note-on.ts';
import { withApi } from './with-api.ts';
import type { Work } from './work.ts';

/** Seconds that the first pod of CoreDNS gets, with its image to be pulled. */
const patience = 180;

/**
 * Installs the CoreDNS that belongs to this version of Kubernetes: kubeadm on a control-plane host prints it, an API server gets it from here. How many pods there are,
 * and a Corefile that somebody has changed, stay; so does a DNS of somebody else, which the plan could not know where nobody answered. Throws `not-healthy` where nodes are there for it and no pod becomes ready.
 */
export async function installDns(work: Work): Promise<void> {
  await withApi(work, (api, host) => putDns(work, api, () => printDns(work, host)));
}

/** @internal */
export async function putDns(work: Pick<Work, 'cluster' | 'clock' | 'signal' | 'progress'>, api: ApiClient, print: () => Promise<string>): Promise<void> {
  const foreign = foreignDns(work.cluster, await readDns(api, work.cluster, work.signal));
  if (foreign !== undefined) return work.progress({ type: 'note', title: foreign });
  const before = await whereThere(api.get<DnsDeployment>(dnsDeploymentPath));
  const objects = dnsObjects(await print(), { told: dnsHash(work.cluster), replicas: before?.spec.replicas ?? 2 });
  for (const each of (await isChanged(api)) ? objects.filter(({ path }) => path !== dnsConfigPath) : objects) await put(api, each);
  const made = await api.get<DnsDeployment>(dnsDeploymentPath);
  await api.patch(dnsDeploymentPath, { metadata: { annotations: { [dnsPodsAnnotation]: podsHash(made) } } });
  // With a network plugin of the user's there may be no node yet that takes pods.
  if (work.cluster.networks.cni === 'bridge') await waitForPod(work, api);
}

/** As kubeadm prints it. */
async function printDns(work: Work, host: HostSpec): Promise<string> {
  const config = { path: `${joinFolder}/kubeadm.yaml`, content: initFile(work.cluster, host).reveal(), mode: 0o600 };
  const { stdout } = await runOn(work, host.name, [lockGuard(work.token), inMemory, writeScript([config]), kubeadmPhase(work.cluster, 'addon coredns', '--print-manifest')].join('\n'), { what: 'asking kubeadm for CoreDNS' });
  return stdout;
}

/** Makes the object, or all of it anew: what somebody has added to it would stay with server-side apply. */
async function put(api: ApiClient, { path, object }: PlacedObject): Promise<void> {
  await ((await whereThere(api.get(path))) ? api.put(path, object) : api.post(posix.dirname(path), object));
}

/** Whether the Corefile is somebody's own. */
async function isChanged(api: ApiClient): Promise<boolean> {
  const config = await whereThere(api.get<KubernetesObject>(dnsConfigPath));
  return config !== undefined && config.metadata.annotations?.[corefileAnnotation] !== corefileHash(config);
}

async function waitForPod({ clock, signal }: Pick<Work, 'clock' | 'signal'>, api: ApiClient): Promise<void> {
  const deadline = clock.monotonic() + patience * 1000;
  for (;;) {
    const { status } = await api.get<DnsDeployment>(dnsDeploymentPath, { signal });
    if ((status?.availableReplicas ?? 0) > 0) return;
    if (clock.monotonic() > deadline) throw new KubekeepError('not-healthy', `no pod of CoreDNS became ready within ${patience} s: ${await whyNot(api)}`, { hint: 'kubekeep kubectl -- describe pods -n kube-system -l k8s-app=kube-dns says more; run kubekeep apply again then.' });
    await clock.sleep(500, signal);
  }
}

interface Pod {
  readonly status: {
    readonly conditions?: readonly { readonly status: string; readonly message?: string }[];
    readonly containerStatuses?: readonly { readonly state: { readonly waiting?: { readonly reason: string; readonly message?: string } } }[];
  };
}

/** In Kubernetes' words. */
async function whyNot(api: ApiClient): Promise<string> {
  const { items } = await api.get<{ items: readonly Pod[] }>('/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns');
  const words = items.flatMap(({ status }) => {
    const waiting = status.containerStatuses?.[0]?.state.waiting;
    const condition = status.conditions?.find((one) => one.status === 'False' && one.message);
    return waiting ? [`${waiting.reason}${waiting.message === undefined ? '' : `: ${waiting.message}`}`] : condition?.message === undefined ? [] : [condition.message];
  });
  return words[0] ?? 'Kubernetes says no reason';
}
