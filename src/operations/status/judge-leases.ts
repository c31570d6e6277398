import type { Finding, LeaseStatus } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Lease, Observation } from './observation.ts';

const names = ['kube-controller-manager', 'kube-scheduler'] as const;

/** Seconds that the clock of this computer may be ahead of the hosts'. */
const clockSlack = 5;

/** Which host's controller manager and scheduler do the work. */
export function judgeLeases({ cluster, facts, api }: Observation): Judged<readonly LeaseStatus[]> {
  const answers = [...api.values()].flatMap((answer) => (answer.ok ? [answer.value] : []));
  const status = names.map((name): LeaseStatus => {
    const lease = answers.flatMap(({ leases }) => leases).filter((one) => one.name === name).sort((a, b) => b.renewedAt - a.renewedAt)[0];
    if (!lease || lease.holder === '') return { name, holder: undefined, renewedAgo: undefined, expired: answers.length > 0 };
    const renewedAgo = Math.max(0, Math.round((facts.observedAt - lease.renewedAt) / 1000));
    return { name, holder: holderOf(lease, cluster.hosts.map((host) => host.name)), renewedAgo, expired: renewedAgo > lease.durationSeconds + clockSlack };
  });
  return { status, findings: status.filter(({ expired }) => expired).map(findingOf) };
}

/** The identity begins with the machine's own name, which may be longer than the host's in the cluster file. */
function holderOf({ holder }: Lease, hosts: readonly string[]): string {
  const machine = holder.slice(0, holder.lastIndexOf('_'));
  return hosts.find((host) => host === machine) ?? hosts.find((host) => machine.startsWith(`${host}.`)) ?? hosts.find((host) => machine.endsWith(`-${host}`)) ?? machine;
}

function findingOf({ name, holder, renewedAgo }: LeaseStatus): Finding {
  const message = holder === undefined ? `no ${name} leads` : `no ${name} leads: ${holder} has not renewed its lease for ${renewedAgo} s`;
  return { message, next: `Another one takes over within 10 s; if none does, look at journalctl -u ${name} on the control-plane hosts.` };
}
