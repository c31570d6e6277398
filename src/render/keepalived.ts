import { endpointVips, hostsWith } from '../cluster/cluster.ts';
import { aliveScript, aliveUnitFile, type LbAlive } from './_lb-alive.ts';
import { acceptsVrrp, vrrpConfig, vrrpUnit } from './_vrrp.ts';
import { vipGuard, vipGuardFile, vipGuardUnit } from './_vip-guard.ts';
import { alivePort } from './haproxy.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { configFolder, unitFolder } from './paths.ts';

const unit = 'kubekeep-keepalived.service';
const aliveUnit = 'kubekeep-lb-alive.service';
const config = `${configFolder}/keepalived.conf`;
const script = `${configFolder}/lb-alive.sh`;
const aliveFile = '/run/kubekeep-lb/alive';
const vrrpPidFile = '/run/kubekeep-keepalived/vrrp.pid';
const alive: LbAlive = { what: 'HAProxy', haproxy: 'kubekeep-haproxy.service', port: alivePort, file: aliveFile };

/** keepalived holds the VIP on one balancer; it follows the HAProxy of its own host and never the API behind it. */
export function renderKeepalived(input: RenderInput): ComponentDesign | undefined {
  if (!input.host.roles.includes('load-balancer')) return undefined;
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'keepalived',
    unit,
    companions: [aliveUnit, vipGuardUnit],
    programs: {},
    files: [
      file(script, aliveScript(alive), 0o755),
      file(config, keepalivedConfig(input)),
      file(`${unitFolder}/${aliveUnit}`, aliveUnitFile(alive, script)),
      ...vipGuard(input, { aliveFile, vrrpPidFile, advertInterval }),
      file(`${unitFolder}/${unit}`, keepalivedUnit(input)),
    ],
    check: { path: config, command: acceptsVrrp([aliveFile, vipGuardFile]) },
    onChange: 'reload',
  };
}

/** Seconds. A silent holder is replaced after three of them and up to one more. */
const advertInterval = 0.05;

/** With so short an interval a holder that is only starved of CPU would lose the VIP, and the guard asks before one does (docs/decisions/0015, 0020). */
function keepalivedConfig({ cluster, host, facts }: RenderInput): string {
  return vrrpConfig(host, [{ name: 'haproxy_alive', path: aliveFile }, { name: 'no_other_holder', path: vipGuardFile }], [
    { name: 'api', routerId: facts.virtualRouterId, interface: facts.vipInterface, advertInterval, balancers: hostsWith(cluster, 'load-balancer'), addresses: endpointVips(cluster), tracked: ['haproxy_alive', 'no_other_holder'] },
  ]);
}

const keepalivedUnit = ({ cluster, facts }: RenderInput) => vrrpUnit({
  description: 'keepalived for the VIP of the Kubernetes API (kubekeep)',
  folder: 'kubekeep-keepalived',
  config,
  needs: [aliveUnit, vipGuardUnit],
  takeOff: endpointVips(cluster).map((address) => `-/usr/sbin/ip address delete ${address}/32 dev ${facts.vipInterface}`),
});
