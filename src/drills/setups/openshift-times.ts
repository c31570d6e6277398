import { alivePort } from '../../render/haproxy.ts';
import { haproxyWith, vrrpInstance } from './_balancer.ts';
import { changed, rewritten } from './_changed.ts';
import { plainKeepalived } from './_plain-keepalived.ts';
import type { Setup } from './setup.ts';

/** kubekeep's cluster behind HAProxy and keepalived with the times that OpenShift gives them on bare metal. */
export const openshiftTimes: Setup = {
  id: 'openshift-times',
  title: 'HAProxy and keepalived with the times of OpenShift on bare metal; all else is kubekeep',
  source: 'openshift/machine-config-operator templates/master/00-master/on-prem/files (haproxy-haproxy.yaml, keepalived-keepalived.yaml). Not as there: HAProxy listens on the VIP itself instead of behind a NAT rule, and is asked for its monitor page without TLS.',
  renderers: changed({
    haproxy: (design, input) => rewritten(design, design.check!.path, () => haproxyWith({
      retries: 3,
      timeouts: { queue: '1m', connect: '10s', client: '86400s', server: '86400s', tunnel: '86400s' },
      path: '/readyz',
      check: 'weight 1 verify none check check-ssl inter 5s fall 3 rise 1',
    }, input)),
    keepalived: (design, input) => plainKeepalived(`global_defs {
    enable_script_security
    script_user root
    max_auto_priority -1
    vrrp_garp_master_refresh 60
}
vrrp_script chk_lb {
    script "/usr/bin/timeout 1.9 /usr/bin/curl -o /dev/null -Lfs http://127.0.0.1:${alivePort}/alive"
    interval 2
    weight 20
    rise 3
    fall 3
}
${vrrpInstance(input, { priority: 40, more: '    track_script {\n        chk_lb\n    }\n' })}`)(design, input),
  }),
};
