import { addressInNetwork, isNode, nodeHosts, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { unitFile } from './_unit-file.ts';
import type { ComponentDesign, DesiredContent, RenderInput } from './design.ts';
import { cniConfig, podNetworkScript, podNetworkUnit, unitFolder } from './paths.ts';

/** Marks the routes that are ours, for `ip route`. */
export const routeProtocol = 98;
/** nftables table of the pods' way out. */
export const podTable = 'kubekeep-pods';

/**
 * Routes to the pods of every node, on nodes and on the hosts of API servers, which call webhooks; on a node its bridge too. Nothing where the
 * network is somebody else's, where there are no nodes, or where nobody could say which networks they have.
 */
export function renderPodNetwork({ cluster, host, facts: { podNetworks } }: RenderInput): ComponentDesign | undefined {
  if (!hasPodNetwork(cluster, host) || podNetworks === undefined) return undefined;
  const node = isNode(host);
  const own = node ? podNetworks.get(host.name) : undefined;
  const file = (path: string, content: string, mode = 0o644): DesiredContent => ({ path, content, mode, owner: 'root:root' });
  return {
    name: 'pod-network',
    unit: podNetworkUnit,
    programs: {},
    files: [
      file(podNetworkScript, networkScript(routesFrom(cluster, host.name, podNetworks), node ? { pods: cluster.networks.pods, own } : undefined)),
      ...(own === undefined ? [] : [file(cniConfig, bridge(own))]),
      file(`${unitFolder}/${podNetworkUnit}`, networkUnit),
    ],
    onChange: 'restart',
  };
}

/** Whether kubekeep gives a host its way to the pods. */
export function hasPodNetwork(cluster: Pick<Cluster, 'hosts' | 'networks'>, host: HostSpec): boolean {
  return cluster.networks.cni === 'bridge' && nodeHosts(cluster).length > 0 && (isNode(host) || host.roles.includes('control-plane'));
}

function routesFrom(cluster: Cluster, host: string, podNetworks: ReadonlyMap<string, string>): readonly Route[] {
  return nodeHosts(cluster).flatMap(({ name, address }) => {
    const to = podNetworks.get(name);
    return to === undefined || name === host ? [] : [{ to, via: address }];
  });
}

interface Route {
  readonly to: string;
  readonly via: string;
}

/** Routes that are wanted are put first and the others of ours taken away then, so that none is missing meanwhile. */
function networkScript(routes: readonly Route[], node: { readonly pods: string; readonly own: string | undefined } | undefined): string {
  return `#!/bin/sh
# Managed by kubekeep.
set -e
${routes.map(({ to, via }) => `ip route replace ${to} via ${via} proto ${routeProtocol}\n`).join('')}ip route show proto ${routeProtocol} | while read -r to _; do
  case " ${routes.map(({ to }) => to).join(' ')} " in *" $to "*) ;; *) ip route del "$to" proto ${routeProtocol};; esac
done
${node?.own === undefined ? '' : withoutOldBridge(gatewayOf(node.own))}${node === undefined ? '' : forPods(node.pods)}`;
}

/** A node that the cluster has made anew may have another network: a bridge with the address of before takes no pod. */
function withoutOldBridge(gateway: string): string {
  return `case $(ip -4 -o addr show dev cni0 2>/dev/null) in ''|*' ${gateway}/'*) ;; *) ip link del cni0;; esac
`;
}

function gatewayOf(subnet: string): string {
  return addressInNetwork(subnet, 1);
}

/** What pods send to somewhere else than a pod leaves with the address of the host: nobody else knows the way back. */
function forPods(pods: string): string {
  return `sysctl -q -w net.ipv4.ip_forward=1
# Answers between two pods on one bridge have to pass where kube-proxy's translation is undone.
modprobe br_netfilter 2>/dev/null || true
sysctl -q -w net.bridge.bridge-nf-call-iptables=1
nft -f - <<'END'
table ip ${podTable}
delete table ip ${podTable}
table ip ${podTable} {
  chain leaving {
    type nat hook postrouting priority srcnat + 1;
    ip saddr ${pods} ip daddr != ${pods} masquerade
  }
}
END
`;
}

function bridge(subnet: string): string {
  const network = {
    cniVersion: '1.0.0',
    name: 'kubekeep',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        hairpinMode: true,
        ipam: { type: 'host-local', ranges: [[{ subnet, gateway: gatewayOf(subnet) }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(network, null, 2)}\n`;
}

/** systemd-networkd takes away routes that it does not know when it starts, so these come back with it. */
const networkUnit = unitFile({
  Unit: { Description: 'Network of the pods (kubekeep)', After: 'network-online.target systemd-networkd.service', Wants: 'network-online.target', PartOf: 'systemd-networkd.service' },
  Service: { Type: 'oneshot', RemainAfterExit: 'yes', ExecStart: `/bin/sh ${podNetworkScript}` },
  Install: { WantedBy: 'multi-user.target' },
});
