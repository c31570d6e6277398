import { hostsWith, type HostSpec } from '../cluster/cluster.ts';
import { serviceVips } from '../cluster/service.ts';
import { aliveScript, aliveUnitFile, type LbAlive } from './_lb-alive.ts';
import { acceptsVrrp, vrrpConfig, vrrpUnit } from './_vrrp.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { serviceVipsConfig as config, serviceVipsUnit, servicesAliveUnit, servicesFolder, servicesUnit, unitFolder } from './paths.ts';
import { servicesAlivePort } from './services.ts';

const script = `${servicesFolder}/alive.sh`;
const takeOff = `${servicesFolder}/take-off.sh`;
const leaveFolder = '/run/kubekeep-service-vips';
const alive: LbAlive = { what: 'the HAProxy of services', haproxy: servicesUnit, port: servicesAlivePort, file: '/run/kubekeep-services-alive/alive' };

/** A second keepalived for the VIPs of services, which follow the HAProxy of services, each with a balancer that has it rather than the others. */
export function renderServiceVips({ cluster, host, facts }: RenderInput): ComponentDesign | undefined {
  const vips = serviceVips(cluster);
  if (!host.roles.includes('load-balancer') || vips.length === 0) return undefined;
  const balancers = hostsWith(cluster, 'load-balancer');
  const ids = routerIds(vips, facts.virtualRouterId);
  const instances = vips.map((vip, position) => ({ name: vip, routerId: ids.get(vip)!, interface: facts.vipInterface, advertInterval, balancers: preferred(balancers, position), addresses: [vip], tracked: ['haproxy_alive', `leave_${vip}`] }));
  const leaving = vips.map((vip) => ({ name: `leave_${vip}`, path: leaveFile(vip), makes: true as const }));
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'service-vips',
    unit: serviceVipsUnit,
    companions: [servicesAliveUnit],
    programs: {},
    files: [
      file(script, aliveScript(alive), 0o755),
      file(takeOff, takeOffScript, 0o755),
      file(config, vrrpConfig(host, [{ name: 'haproxy_alive', path: alive.file }, ...leaving], instances)),
      file(`${unitFolder}/${servicesAliveUnit}`, aliveUnitFile(alive, script)),
      file(`${unitFolder}/${serviceVipsUnit}`, vrrpUnit({
        description: 'keepalived for the VIPs of services (kubekeep)',
        folder: 'kubekeep-service-vips',
        config,
        needs: [servicesAliveUnit],
        takeOff: [`-/bin/sh ${takeOff} ${facts.vipInterface}`],
      })),
    ],
    check: { path: config, command: `mkdir -p ${leaveFolder}; ${acceptsVrrp([alive.file])}` },
    onChange: 'reload',
  };
}

/** Where keepalived is told to leave a VIP to the others: 0, or -254. */
export function leaveFile(vip: string): string {
  return `${leaveFolder}/${vip}`;
}

/** The balancers, who should have the n-th VIP first: so they spread. */
export function preferred(balancers: readonly HostSpec[], position: number): readonly HostSpec[] {
  const first = position % balancers.length;
  return [...balancers.slice(first), ...balancers.slice(0, first)];
}

/** Seconds. No guard asks the neighbours here before a silent holder is replaced (docs/decisions/0039). */
const advertInterval = 0.2;

/** 1 to 255 from the address, so that no other VIP changes its id when one comes or goes, unless two meet; never the one of the API. */
function routerIds(vips: readonly string[], taken: number): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const vip of vips) {
    let id = Number(vip.split('.')[3]) || 255;
    while (id === taken || [...ids.values()].includes(id)) id = (id % 255) + 1;
    ids.set(vip, id);
  }
  return ids;
}

const takeOffScript = `#!/bin/sh
# Managed by kubekeep. Takes the VIPs of services off an interface, whichever the configuration has: a unit that named them would restart with each that comes or goes.
sed -n 's,^ *\\([0-9.]*\\)/32$,\\1,p' ${config} | while read -r vip; do /usr/sbin/ip address delete "$vip/32" dev "$1"; done
true
`;
