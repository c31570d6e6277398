import { KubekeepError } from '../../lib/errors.ts';
import { renderers } from '../../render/host-design.ts';
import { k0sTimes } from './k0s-times.ts';
import { kubeadmGuide } from './kubeadm-guide.ts';
import { openshiftTimes } from './openshift-times.ts';
import type { Setup } from './setup.ts';

export const kubekeepSetup: Setup = { id: 'kubekeep', title: 'the cluster file, by kubekeep', source: 'kubekeep render', renderers };

/** What kubekeep is compared with. */
export const rivals: readonly Setup[] = [kubeadmGuide, openshiftTimes, k0sTimes];

/** Rivals by their ids. Throws `usage`. */
export function findSetups(ids: readonly string[]): Setup[] {
  return ids.map((id) => {
    const found = rivals.find((rival) => rival.id === id);
    if (found) return found;
    throw new KubekeepError('usage', `there is no set-up ${id}`, { hint: `There are ${rivals.map((rival) => rival.id).join(', ')}.` });
  });
}
