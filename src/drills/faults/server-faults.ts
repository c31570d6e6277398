import { hostsWith, type Cluster } from '../../cluster/cluster.ts';
import { othersWith, type Stage } from '../stage.ts';
import { background } from './_background.ts';
import { aimAtHosts, type Scripts } from './_on-hosts.ts';
import { packetRules } from './_packet-rules.ts';
import type { Fault } from './fault.ts';

const unit = 'kube-apiserver.service';

/** Of the process $p. As its own user: in a container root may not limit others' processes. */
const limit = 'setpriv --reuid kubernetes --regid kubernetes --clear-groups prlimit --pid $p';

/** API servers that are there and do not do well. */
export const serverFaults: readonly Fault[] = [
  fault({ id: 'A4', title: 'an API server is ready but slow: it stands still for 0.8 s of every second', needs: 'a shell on one host that stops a process and lets it go on', seconds: 15 }, pulses()),
  fault({ id: 'A4-etcd', title: 'an API server loses its etcd and says so at /readyz', needs: 'nftables on one host, and a timer there that takes the rules out', seconds: 12 }, packetRules({ matches: ['meta skuid kubernetes tcp dport 2379'], hooks: ['output'], verdict: 'reject with tcp reset' })),
  {
    ...fault({ id: 'A4-quota', title: 'an API server gets a tenth of a processor', needs: 'a share of the processor for one unit, by systemd', seconds: 15 }, { inject: '', undo: '' }),
    obstacle: () => 'lab machines have no cgroup controllers, so systemd cannot give one unit less than another; A4 makes an API server slow by other means',
  },
  {
    ...fault({ id: 'N4-starved', title: 'an API server is given no more memory', needs: 'setpriv and prlimit on one host', seconds: 20 }, { inject: `p=$(systemctl show -P MainPID ${unit}) && ${limit} --as=$(($(awk '{ print $1 }' /proc/$p/statm) * 4096)):`, undo: `p=$(systemctl show -P MainPID ${unit}); [ "$p" = 0 ] || ${limit} --as=unlimited:; systemctl start --no-block ${unit}` }),
    component: 'host',
  },
];

function fault(about: Pick<Fault, 'id' | 'title' | 'needs' | 'seconds'>, scripts: Scripts): Fault {
  return {
    ...about,
    component: 'API server',
    obstacle: needsSecondServer,
    async aim(stage: Stage) {
      const [server] = othersWith(stage, 'control-plane').slice(0, 1);
      return aimAtHosts(stage, server ? [server] : [], `the API server of ${server?.name}`, scripts);
    },
  };
}

/** A health check has an answer after 0.8 s at the latest, so it passes, and so does every request, late. */
function pulses(): Scripts {
  const { inject, undo } = background('pulses', `p=$(systemctl show -P MainPID ${unit}); while kill -STOP $p; do sleep 0.8; kill -CONT $p; sleep 0.2; done`);
  return { inject, undo: `${undo}; systemctl kill --kill-whom=all -s CONT ${unit}; systemctl start --no-block ${unit}` };
}

function needsSecondServer(cluster: Cluster): string | undefined {
  return hostsWith(cluster, 'control-plane').length > 1 ? undefined : 'there is one API server';
}
