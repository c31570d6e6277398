import { servicesAliveUnit, servicesFolder, servicesUnit, serviceVipsUnit, unitFolder } from '../../render/paths.ts';
import type { HostSpec } from '../../cluster/cluster.ts';
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
      if (step.action === 'remove') {
        await runStep(step, work, `${lockGuard(work.token)}\n${removal(step)}`);
        return;
      }
      await performComponent(step, work, { wait: true });
      await waitForHost(work, spec, [unitActive(step.component === 'services' ? servicesUnit : serviceVipsUnit)]);
    });
  }
}

function removal({ component }: Step): string {
  const units = component === 'services' ? [servicesUnit] : [serviceVipsUnit, servicesAliveUnit];
  const files = component === 'services' ? ['haproxy.cfg*', 'close-dead.lua', 'keep-state.sh'] : ['keepalived.conf*', 'alive.sh', 'take-off.sh'];
  return `systemctl disable -q --now ${units.join(' ')} 2>/dev/null
rm -f ${units.map((unit) => `${unitFolder}/${unit}`).join(' ')} ${files.map((file) => `${servicesFolder}/${file}`).join(' ')} && systemctl daemon-reload || exit 1
rmdir ${servicesFolder} 2>/dev/null
true`;
}
