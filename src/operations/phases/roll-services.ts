import { servicesFolder, servicesUnit, serviceVipsUnit, serviceVipsUnits, unitFolder } from '../../render/paths.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
import { forgetWishes, serversOf } from '../balancing/forget-wishes.ts';
import { unitActive, waitForHost } from '../gates.ts';
import { lockGuard } from '../lock.ts';
import type { Step } from '../plan/step.ts';
import { performComponent, runStep } from './perform-component.ts';
import type { Track } from './roll-host.ts';
import type { Work } from './work.ts';

/** Changes the balancing of services on one host, or takes it away. The other hosts serve meanwhile. */
export async function rollServices(work: Work, spec: HostSpec, steps: readonly Step[], track: Track): Promise<void> {
  for (const step of steps) {
    await track(step, async () => {
      await changeServices(step, work);
      if (step.action !== 'remove') await waitForHost(work, spec, [unitActive(step.component === 'services' ? servicesUnit : serviceVipsUnit)]);
    });
  }
}

/** @internal */
export async function changeServices(step: Step, work: Work): Promise<void> {
  const removed = step.action === 'remove';
  const afterwards = step.component === 'services' ? await forgetWishes(work, step.host, removed ? new Set() : serversOf(work.cluster)) : '';
  if (!removed) return performComponent(step, work, { wait: true, afterwards });
  await runStep(step, work, [lockGuard(work.token), removal(step), afterwards].join('\n'));
}

function removal({ component }: Step): string {
  const units = component === 'services' ? [servicesUnit] : serviceVipsUnits;
  const files = component === 'services' ? ['haproxy.cfg*', 'close-dead.lua', 'keep-state.sh', 'do-by-hand.sh'] : ['keepalived.conf*', 'alive.sh', 'take-off.sh', 'vip-guard.pl', 'vip-guard.conf'];
  return `systemctl disable -q --now ${units.join(' ')} 2>/dev/null
rm -f ${units.map((unit) => `${unitFolder}/${unit}`).join(' ')} ${files.map((file) => `${servicesFolder}/${file}`).join(' ')} && systemctl daemon-reload || exit 1
rmdir ${servicesFolder} 2>/dev/null || true`;
}
