import { endpointVips, type HostSpec } from '../../cluster/cluster.ts';
import { configFolder, unitFolder } from '../../render/paths.ts';
import { waitForHost, type Gate } from '../gates.ts';
import { lockGuard } from '../lock.ts';
import { balancerUnits } from '../plan/lost-roles.ts';
import type { Step } from '../plan/step.ts';
import { runStep } from './perform-component.ts';
import type { Work } from './work.ts';

const files = {
  keepalived: ['keepalived.conf*', 'lb-alive.sh', 'vip-guard.pl', 'vip-guard.conf'],
  haproxy: ['haproxy.cfg*', 'haproxy-dead-or-draining.lua'],
} as const;

/** Takes the VIP's keepalived, or its HAProxy, off a host, and waits until the host does not have the VIP. Other balancers take it meanwhile. */
export async function removeBalancer(step: Step, work: Work, spec: HostSpec): Promise<void> {
  const component = step.component as keyof typeof files;
  const units = balancerUnits[component];
  // The unit files last: by them the next plan sees what is left.
  await runStep(step, work, `${lockGuard(work.token)}
systemctl disable -q --now ${units.join(' ')} 2>/dev/null
! systemctl is-active -q ${units.join(' ')} || exit 1
rm -f ${files[component].map((file) => `${configFolder}/${file}`).join(' ')} || exit 1
rm -f ${units.map((unit) => `${unitFolder}/${unit}`).join(' ')} && systemctl daemon-reload`);
  await waitForHost(work, spec, [withoutVips(endpointVips(work.cluster))]);
}

function withoutVips(vips: readonly string[]): Gate {
  return ({ addresses }) => {
    const held = addresses.find(({ address }) => vips.includes(address));
    return held && `it still has the VIP ${held.address}`;
  };
}
