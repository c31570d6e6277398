import { hostsWith } from '../../cluster/cluster.ts';
import type { RenderInput } from '../../render/design.ts';
import { alivePort, haproxySocket } from '../../render/haproxy.ts';

/** What a project publishes of its HAProxy, in HAProxy's words. */
export interface BalancerTimes {
  readonly retries: number;
  /** `timeout WHAT VALUE` */
  readonly timeouts: Readonly<Record<string, string>>;
  /** `GET PATH`. */
  readonly path: string;
  /** After each server's address. */
  readonly check: string;
}

/** HAProxy with a project's own times, on the VIP where kubekeep's listens, with a page that says that it is alive. */
export function haproxyWith({ retries, timeouts, path, check }: BalancerTimes, { cluster }: RenderInput): string {
  const { vip, port } = cluster.endpoint;
  return `global
    log stdout format raw daemon info
    maxconn 5000
    stats socket ${haproxySocket} mode 600 level admin expose-fd listeners

defaults
    mode tcp
    log global
    option tcplog
    option dontlognull
    retries ${retries}
${Object.entries(timeouts).map(([what, value]) => `    timeout ${what} ${value}\n`).join('')}
frontend api
    bind ${vip}:${port}
    default_backend api

frontend alive
    mode http
    bind 127.0.0.1:${alivePort}
    monitor-uri /alive

backend api
    option httpchk GET ${path} HTTP/1.0
    balance roundrobin
${hostsWith(cluster, 'control-plane').map(({ name, address }) => `    server ${name} ${address}:6443 ${check}\n`).join('')}`;
}

/** The body of a VRRP instance that all balancers have alike; each speaks to the others by unicast. */
export function vrrpInstance({ cluster, host, facts }: RenderInput, { priority, more = '' }: { readonly priority: number; readonly more?: string }): string {
  const peers = hostsWith(cluster, 'load-balancer').filter(({ name }) => name !== host.name);
  const unicast = peers.length === 0 ? '' : `    unicast_src_ip ${host.address}\n    unicast_peer {\n${peers.map(({ address }) => `        ${address}\n`).join('')}    }\n`;
  return `vrrp_instance api {
    state BACKUP
    interface ${facts.vipInterface}
    virtual_router_id ${facts.virtualRouterId}
    priority ${priority}
    advert_int 1
${unicast}    authentication {
        auth_type PASS
        auth_pass api_vip
    }
    virtual_ipaddress {
        ${cluster.endpoint.vip}/32
    }
${more}}
`;
}
