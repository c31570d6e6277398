import { hostsWith, type HostSpec } from '../cluster/cluster.ts';
import { serviceVips } from '../cluster/service.ts';
import { aliveScript, aliveUnitFile, type LbAlive } from './_lb-alive.ts';
import { verdict, vipGuard } from './_vip-guard.ts';
import { acceptsVrrp, vrrpConfig, vrrpUnit, type TrackedFile, type VrrpInstance } from './_vrrp.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { serviceVipsConfig as config, serviceVipsUnit, servicesAliveUnit, servicesFolder, servicesGuardUnit, servicesUnit, unitFolder } from './paths.ts';
import { servicesAlivePort } from './services.ts';

const script = `${servicesFolder}/alive.sh`;
const takeOff = `${servicesFolder}/take-off.sh`;
const leaveFolder = '/run/kubekeep-service-vips';
const verdicts = 'kubekeep-services-guard';
const alive: LbAlive = { what: 'the HAProxy of services', haproxy: servicesUnit, port: servicesAlivePort, file: '/run/kubekeep-services-alive/alive' };

/** A second keepalived for the VIPs of services, which follow the HAProxy of services, each with a balancer that has it rather than the others. */
export function renderServiceVips(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, facts } = input;
  const vips = serviceVips(cluster);
  if (!host.roles.includes('load-balancer') || vips.length === 0) return undefined;
  const balancers = hostsWith(cluster, 'load-balancer');
  const ids = routerIds(vips, facts.virtualRouterId);
  const haproxyAlive: TrackedFile = { name: 'haproxy_alive', path: alive.file };
  const instances = vips.map((vip, position): VrrpInstance => ({
    name: vip, routerId: ids.get(vip)!, interface: facts.vipInterface, advertInterval, balancers: preferred(balancers, position), addresses: [vip],
    tracked: [haproxyAlive, verdict(verdicts, vip), { name: `leave_${vip}`, path: leaveFile(vip), makes: true }],
  }));
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'service-vips',
    unit: serviceVipsUnit,
    companions: [servicesAliveUnit, servicesGuardUnit],
    programs: {},
    files: [
      file(script, aliveScript(alive), 0o755),
      file(takeOff, takeOffScript, 0o755),
      file(config, vrrpConfig(host, instances)),
      file(`${unitFolder}/${servicesAliveUnit}`, aliveUnitFile(alive, script)),
      ...vipGuard(input, {
        unit: servicesGuardUnit,
        description: 'Keeps two balancers from having a VIP of services (kubekeep)',
        folder: servicesFolder,
        verdicts,
        aliveFile: alive.file,
        vrrpPidFile: '/run/kubekeep-service-vips/vrrp.pid',
        advertInterval,
        instances,
      }),
      file(`${unitFolder}/${serviceVipsUnit}`, vrrpUnit({
        description: 'keepalived for the VIPs of services (kubekeep)',
        folder: 'kubekeep-service-vips',
        config,
        needs: [servicesAliveUnit, servicesGuardUnit],
        takeOff: [`-/bin/sh ${takeOff} ${facts.vipInterface}`],
      })),
    ],
    check: { path: config, command: `mkdir -p ${leaveFolder} /run/${verdicts}; ${acceptsVrrp([haproxyAlive])}` },
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

/** Seconds. Not as short as the API's: each VIP has adverts of its own. */
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
