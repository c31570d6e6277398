import type { Gate } from '../gates.ts';
import { unitActive, waitForHost } from '../gates.ts';
import { keeperStateFolder, keeperUnit, unitFolder } from '../../render/paths.ts';
import type { ComponentDesign } from '../../render/design.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { admitHost, hostWriters, revokeHost } from '../backup/host-writers.ts';
import { lockGuard } from '../lock.ts';
import { performComponent, runStep } from '../phases/perform-component.ts';
import type { Work } from '../phases/work.ts';
import type { Step } from '../plan/step.ts';
import { cleanPrograms } from './clean-programs.ts';

/** Seconds for a follower to open the repository. */
const patience = 90;

/** Installs the follower of a host, or takes it away; what was there before goes when the new one has opened the repository. */
export async function performFollower(step: Step, work: Work): Promise<void> {
  if (step.action === 'remove') return removeFollower(step, work);
  const { follower, state, prepared: { material }, cluster } = work;
  const { writers } = material!;
  // Before it has the key: a follower that may not write ends.
  if (step.action !== 'none') await admitHost(state, follower!.store(), writers, step.host);
  await performComponent(step, work, { wait: true });
  await waitForHost(work, cluster.hosts.find(({ name }) => name === step.host)!, [unitActive(keeperUnit), hasOpened], patience);
  await runStep(step, work, `${lockGuard(work.token)}\n${cleanPrograms(designsOn(step, work))}`);
}

/** It says how it is as soon as it has opened the repository, and a stopped one says nothing. */
const hasOpened: Gate = ({ follower }) => (follower ? undefined : `${keeperUnit} has not opened the repository`);

function designsOn({ host }: Step, { prepared }: Work): readonly ComponentDesign[] {
  return prepared.designs.get(host) ?? [];
}

async function removeFollower(step: Step, work: Work): Promise<void> {
  await runStep(step, work, `${lockGuard(work.token)}\n${removeFollowerScript}\n${cleanPrograms(designsOn(step, work))}`);
  const { follower, state, prepared: { opened }, progress } = work;
  const writers = await hostWriters(state, opened.identity);
  if (!writers || !follower || work.cluster.backup === undefined) return;
  await revokeHost(state, follower.store(), writers, step.host).catch((error: unknown) => {
    // The host has lost its key; the repository may be gone for good.
    if (!(error instanceof KubekeepError)) throw error;
    progress({ type: 'note', host: step.host, title: 'the repository still takes what the key of this host signs', detail: error.message });
  });
}

/** What a follower has on a host. */
const removeFollowerScript = `systemctl disable -q --now ${keeperUnit} 2>/dev/null
rm -f ${unitFolder}/${keeperUnit} && systemctl daemon-reload || exit 1
rm -rf /etc/kubekeep/keeper.yaml /etc/kubekeep/keeper-* /etc/kubernetes/pki/etcd/keeper-client.* ${keeperStateFolder}`;
