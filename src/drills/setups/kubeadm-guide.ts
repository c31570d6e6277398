import { hostsWith } from '../../cluster/cluster.ts';
import type { RenderInput } from '../../render/design.ts';
import { haproxySocket } from '../../render/haproxy.ts';
import { configFolder } from '../../render/paths.ts';
import { changed, inTurn, replaceOnce, rewritten, unitPath, withoutFlags, withoutOptions, type Change } from './_changed.ts';
import { plainKeepalived } from './_plain-keepalived.ts';
import type { Setup } from './setup.ts';

/** The guide's API servers have 6443 of every address, so its balancers listen elsewhere. */
const port = 8443;
const script = '/etc/kubekeep/check_apiserver.sh';

/** What a reader of kubeadm's guide for high availability has, with its own values and nothing tuned. */
export const kubeadmGuide: Setup = {
  id: 'kubeadm-guide',
  title: "haproxy.cfg, keepalived.conf and check script of kubeadm's guide, plain defaults for etcd and the API servers",
  source: 'kubernetes/kubeadm docs/ha-considerations.md (2026-05). Not as there: HAProxy has a runtime socket to look at, and its backend the name under which kubekeep looks; programs are systemd units that start again after a second, where a kubelet would start static pods.',
  port,
  renderers: changed({
    'etcd': plainEtcd(),
    'kube-apiserver': plainApiserver(),
    'haproxy': (design, input) => rewritten(design, design.check!.path, () => haproxyConfig(input)),
    'keepalived': (design, input) => plainKeepalived(keepalivedConfig(input), { path: script, text: checkScript })(design, input),
  }),
};

function plainApiserver(): Change {
  return inTurn(
    withoutFlags('etcd-healthcheck-timeout', 'etcd-readycheck-timeout', 'goaway-chance', 'shutdown-delay-duration', 'shutdown-send-retry-after', 'shutdown-watch-termination-grace-period'),
    withoutOptions('Nice', 'CPUWeight'),
  );
}

function plainEtcd(): Change {
  const ownTimes = (text: string) => text.replace(/heartbeat-interval: .*/, 'heartbeat-interval: 100').replace(/election-timeout: .*/, 'election-timeout: 1000');
  return inTurn(
    withoutOptions('Nice', 'CPUWeight', 'IOSchedulingClass', 'IOSchedulingPriority', 'RestartSteps', 'RestartMaxDelaySec'),
    (design) => rewritten(design, unitPath(design), (text) => replaceOnce(text, /RestartSec=.*/, 'RestartSec=1')),
    (design) => rewritten(design, `${configFolder}/etcd.yaml`, (text) => ownTimes(replaceOnce(text, ',CompactHashCheck=true', ''))),
  );
}

function haproxyConfig({ cluster }: RenderInput): string {
  return `global
    log stdout format raw local0
    daemon
    stats socket ${haproxySocket} mode 600 level admin

defaults
    mode                    http
    log                     global
    option                  httplog
    option                  dontlognull
    option http-server-close
    option forwardfor       except 127.0.0.0/8
    option                  redispatch
    retries                 1
    timeout http-request    10s
    timeout queue           20s
    timeout connect         5s
    timeout client          35s
    timeout server          35s
    timeout http-keep-alive 10s
    timeout check           10s

frontend apiserver
    bind *:${port}
    mode tcp
    option tcplog
    default_backend api

backend api
    option httpchk
    http-check connect ssl
    http-check send meth GET uri /healthz
    http-check expect status 200
    mode tcp
    balance     roundrobin
${hostsWith(cluster, 'control-plane').map(({ name, address }) => `    server ${name} ${address}:6443 check verify none\n`).join('')}`;
}

function keepalivedConfig({ cluster, host, facts }: RenderInput): string {
  const isFirst = hostsWith(cluster, 'load-balancer')[0]?.name === host.name;
  return `global_defs {
    router_id LVS_DEVEL
}
vrrp_script check_apiserver {
  script "${script}"
  interval 3
  weight -2
  fall 10
  rise 2
}
vrrp_instance VI_1 {
    state ${isFirst ? 'MASTER' : 'BACKUP'}
    interface ${facts.vipInterface}
    virtual_router_id ${facts.virtualRouterId}
    priority ${isFirst ? 101 : 100}
    authentication {
        auth_type PASS
        auth_pass 42
    }
    virtual_ipaddress {
        ${cluster.endpoint.vip}
    }
    track_script {
        check_apiserver
    }
}
`;
}

const checkScript = `#!/bin/sh
curl -sfk --max-time 2 https://localhost:${port}/healthz -o /dev/null
`;
