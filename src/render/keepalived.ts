import { endpointVips, hostsWith } from '../cluster/cluster.ts';
import { aliveScript, aliveUnitFile, type LbAlive } from './_lb-alive.ts';
import { acceptsVrrp, vrrpConfig, vrrpUnit, type VrrpInstance } from './_vrrp.ts';
import { verdict, vipGuard } from './_vip-guard.ts';
import { alivePort } from './haproxy.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, unitFolder } from './paths.ts';

const unit = 'kubekeep-keepalived.service';
const aliveUnit = 'kubekeep-lb-alive.service';
const config = `${configFolder}/keepalived.conf`;
const script = `${configFolder}/lb-alive.sh`;
const guardUnit = 'kubekeep-vip-guard.service';
const verdicts = 'kubekeep-vip-guard';
const alive: LbAlive = { what: 'HAProxy', haproxy: 'kubekeep-haproxy.service', port: alivePort, file: '/run/kubekeep-lb/alive' };

/** keepalived holds the VIP on one balancer; it follows the HAProxy of its own host and never the API behind it. */
export function renderKeepalived(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, facts } = input;
  if (!host.roles.includes('load-balancer')) return undefined;
  const instance: VrrpInstance = {
    name: 'api', routerId: facts.virtualRouterId, interface: facts.vipInterface, advertInterval, balancers: hostsWith(cluster, 'load-balancer'), addresses: endpointVips(cluster),
    tracked: [{ name: 'haproxy_alive', path: alive.file }, verdict(verdicts, 'api')],
  };
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'keepalived',
    unit,
    companions: [aliveUnit, guardUnit],
    programs: {},
    files: [
      file(script, aliveScript(alive), 0o755),
      file(config, vrrpConfig(host, [instance])),
      file(`${unitFolder}/${aliveUnit}`, aliveUnitFile(alive, script)),
      ...vipGuard(input, {
        unit: guardUnit,
        description: 'Keeps two balancers from having the VIP (kubekeep)',
        folder: configFolder,
        verdicts,
        aliveFile: alive.file,
        vrrpPidFile: '/run/kubekeep-keepalived/vrrp.pid',
        advertInterval,
        instances: [instance],
      }),
      file(`${unitFolder}/${unit}`, vrrpUnit({
        description: 'keepalived for the VIP of the Kubernetes API (kubekeep)',
        folder: 'kubekeep-keepalived',
        config,
        needs: [aliveUnit, guardUnit],
        takeOff: endpointVips(cluster).map((address) => `-/usr/sbin/ip address delete ${address}/32 dev ${facts.vipInterface}`),
      })),
    ],
    check: { path: config, command: acceptsVrrp(instance.tracked) },
    onChange: 'reload',
  };
}

/** Seconds. With so short an interval a holder that is only starved of CPU would lose the VIP, and the guard asks before one does (docs/decisions/0015, 0020). */
const advertInterval = 0.05;
