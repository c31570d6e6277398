import type { HostSpec } from '../../cluster/cluster.ts';
import { parallel } from '../../lib/parallel.ts';
import type { ComponentName } from '../../render/design.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { apiAt } from '../clients.ts';
import { apiReady, waitForHost } from '../gates.ts';
import { performFollower } from '../follower/perform-follower.ts';
import { runOn } from '../phases/note-on.ts';
import { performComponent } from '../phases/perform-component.ts';
import { stepsOf } from '../plan/plan.ts';
import { correctEndpoint } from './correct-endpoint.ts';
import { restartKubeletScript } from './host-scripts.ts';
import type { Restoring } from './restoring.ts';
import { rotateTokens } from './rotate-tokens.ts';

/** Brings components of a host up as `apply` would, in the order given here; what is up and right is left alone. */
export async function startOn(work: Restoring, { name }: HostSpec, components: readonly ComponentName[]): Promise<void> {
  const steps = stepsOf(work.prepared.plan);
  for (const component of components) {
    const step = steps.find((one) => one.host === name && one.component === component);
    if (step) await performComponent(step, work, { wait: false });
  }
}

/** An API server that no balancer leads to: what clients ask it for first must be right by then. */
export async function openFirst(work: Restoring, spec: HostSpec): Promise<void> {
  const { cluster, hosts, clock, progress, record, prepared: { opened: { secrets } } } = work;
  await startOn(work, spec, ['kube-apiserver']);
  await waitForHost(work, spec, [apiReady]);
  const api = await apiAt(spec.address, 6443, hosts.get(spec.name)!, secrets, clock.now());
  try {
    for (const path of await correctEndpoint(api, cluster)) progress({ type: 'note', title: `${path} names the endpoint ${cluster.endpoint.vip} now` });
    if (!record.rotateTokens) return;
    const { bootstrap, serviceAccount } = await rotateTokens(api);
    progress({ type: 'note', title: `${bootstrap} tokens for joining were deleted, ${serviceAccount} of service accounts emptied` });
  } finally {
    api.close();
  }
}

/** Kubelets on hosts of the cluster file remember what the API said before. */
export async function restartKubelets(work: Restoring): Promise<void> {
  await parallel(work.answering, ({ name }) => runOn(work, name, restartKubeletScript, { what: 'restarting the kubelet' }));
}

/** The log goes on behind the restore; that it cannot, because the repository is away, is no reason to stop here. */
export async function followAgain(work: Restoring): Promise<void> {
  const steps = stepsOf(work.prepared.plan).filter(({ component, action }) => component === 'keeper' && action !== 'remove');
  await parallel(steps, (step) => performFollower(step, work).catch((error: unknown) => {
    if (!(error instanceof KubekeepError)) throw error;
    work.progress({ type: 'note', host: step.host, title: 'the log is not followed there yet; kubekeep apply tries it again', detail: error.message });
  }));
}
