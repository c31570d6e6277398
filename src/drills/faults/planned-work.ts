import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { calm } from '../history/record.ts';
import { etcdLeader, moveLeader, othersWith, shuffled, vipHolder, type Stage } from '../stage.ts';
import { aimAtHosts, runAll } from './_on-hosts.ts';
import { whileServersStart } from './allowance.ts';
import type { Aim, Fault } from './fault.ts';

const always = () => undefined;

/** Work that an operator does on a good day: hardly anybody feels it. Beside it the restarts of what the VIP needs, which cost what a fault may. */
export const plannedWork: readonly Fault[] = [
  {
    id: calm, title: 'nothing is broken for 45 s', component: 'host', needs: 'nothing', seconds: 45, planned: true, vipStays: true, obstacle: always,
    aim: () => Promise.resolve({ about: 'nothing', hosts: [], inject: nothing, undo: nothing }),
  },
  {
    id: 'A2', title: 'every API server is restarted, one after the other', component: 'API server', needs: 'systemctl restart on every control-plane host', seconds: 0, planned: true, limit: whileServersStart, obstacle: always,
    async aim(stage) {
      const order = shuffled(hostsWith(stage.operation.cluster, 'control-plane'), stage.draw);
      const inject = async () => {
        for (const host of order) {
          // Also where the lock was lost: the others stay as they are.
          stage.operation.signal.throwIfAborted();
          await runAll(stage, [host], () => 'systemctl restart kube-apiserver.service');
          await stage.healthy();
        }
      };
      return { ...aimAtHosts(stage, order, `${order.map(({ name }) => name).join(', then ')}, each after the one before it is healthy`, { inject: ':', undo: started('kube-apiserver.service') }), inject };
    },
  },
  {
    id: 'E3', title: 'the leadership of etcd is handed over ten times', component: 'etcd', needs: 'nothing but the etcd API', seconds: 0, planned: true,
    // Each handover may cost a request, so that up to ten seconds have one that failed.
    limit: { new: 10, reused: 10 },
    obstacle: (cluster) => (hostsWith(cluster, 'etcd').length > 1 ? undefined : 'there is one etcd member'),
    aim(stage) {
      const inject = async () => {
        for (let turn = 0; turn < 10; turn += 1) {
          await moveLeader(stage, othersWith(stage, 'etcd', await etcdLeader(stage))[0]!);
          await stage.operation.clock.sleep(1000, stage.operation.signal);
        }
      };
      return Promise.resolve({ about: 'ten times, a second apart', hosts: [], inject, undo: nothing });
    },
  },
  {
    id: 'E3-restart', title: 'the etcd leader is restarted without handing over', component: 'etcd', needs: 'systemctl restart on one host', seconds: 3, obstacle: always,
    aim: async (stage) => once(stage, await etcdLeader(stage), 'which leads etcd', 'etcd.service'),
  },
  {
    id: 'H3', title: 'HAProxy on the VIP holder is reloaded 20 times in 60 s', component: 'HAProxy', needs: 'systemctl reload on one host', seconds: 2, planned: true, obstacle: always,
    aim: async (stage) => once(stage, await vipHolder(stage), 'which holds the VIP', 'kubekeep-haproxy.service', 'for i in $(seq 20); do systemctl reload kubekeep-haproxy.service || exit 1; sleep 3; done'),
  },
  {
    id: 'H3-restart', title: 'HAProxy on the VIP holder is restarted', component: 'HAProxy', needs: 'systemctl restart on one host', seconds: 3, obstacle: always,
    aim: async (stage) => once(stage, await vipHolder(stage), 'which holds the VIP', 'kubekeep-haproxy.service'),
  },
  {
    id: 'H4', title: 'a broken configuration of HAProxy is pushed and loaded', component: 'HAProxy', needs: 'a file changed on one host, and a timer there that puts it back', seconds: 3, planned: true, obstacle: always,
    async aim(stage) {
      const file = '/etc/kubekeep/haproxy.cfg';
      const holder = await vipHolder(stage);
      return aimAtHosts(stage, [holder], `${holder.name}, which holds the VIP`, {
        inject: `cp -p ${file} ${file}.before-drill && echo 'no such word' >> ${file} && ! systemctl reload kubekeep-haproxy.service`,
        undo: `[ ! -e ${file}.before-drill ] || { mv ${file}.before-drill ${file} && systemctl reload kubekeep-haproxy.service; }`,
      });
    },
  },
  {
    id: 'K1-restart', title: 'keepalived on the VIP holder is restarted', component: 'keepalived', needs: 'systemctl restart on one host', seconds: 3, obstacle: always,
    aim: async (stage) => once(stage, await vipHolder(stage), 'which holds the VIP', 'kubekeep-keepalived.service'),
  },
];

/** Something with a unit that is over when it is done. */
function once(stage: Stage, host: HostSpec, which: string, unit: string, inject = `systemctl restart ${unit}`): Aim {
  return aimAtHosts(stage, [host], `${host.name}, ${which}`, { inject, undo: started(unit) });
}

/** A unit that runs is left as it is; one that did not come back from its restart gets another start. */
function started(unit: string): string {
  return `systemctl start --no-block ${unit}`;
}

async function nothing(): Promise<void> {}
