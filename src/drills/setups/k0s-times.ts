import { haproxyWith, vrrpInstance } from './_balancer.ts';
import { changed, rewritten } from './_changed.ts';
import { plainKeepalived } from './_plain-keepalived.ts';
import type { Setup } from './setup.ts';

/** kubekeep's cluster behind HAProxy and keepalived with the times that k0s gives its control plane load balancing. */
export const k0sTimes: Setup = {
  id: 'k0s-times',
  title: 'HAProxy and keepalived with the times of k0s; all else is kubekeep',
  source: "k0sproject/k0s pkg/component/controller/cplb. Not as there: k0s balances with IPVS or a proxy of its own; here HAProxy does, asking /healthz every second, out after one bad answer as there, with the guide's limit of 10 s for an answer (there, no limit is set). Its VIP follows nothing but the host.",
  renderers: changed({
    haproxy: (design, input) => rewritten(design, design.check!.path, () => haproxyWith({
      retries: 3,
      timeouts: { connect: '3s', client: '24h', server: '24h', tunnel: '24h', check: '10s' },
      path: '/healthz',
      check: 'check check-ssl verify none inter 1s fall 1 rise 1',
    }, input)),
    keepalived: (design, input) => plainKeepalived(vrrpInstance(input, { priority: 200 }))(design, input),
  }),
};
