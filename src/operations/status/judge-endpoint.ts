import { hostsWith } from '../../cluster/cluster.ts';
import { reachable } from '../facts.ts';
import type { EndpointStatus, Finding } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';
import { list } from './words.ts';

/** Who has the VIP, and whether the API answers through it. */
export function judgeEndpoint(observation: Observation): Judged<EndpointStatus> {
  const { cluster, facts, endpoint } = observation;
  const { vip, port, names } = cluster.endpoint;
  const seen = cluster.hosts.flatMap(({ name }) => {
    const found = facts.hosts.get(name);
    return reachable(found) ? [{ name, found }] : [];
  });
  const holders = seen.filter(({ found }) => found.addresses.some(({ address }) => address === vip)).map(({ name }) => name);
  const answers = seen.flatMap(({ name }) => {
    const answer = endpoint.get(name);
    if (!answer) return [];
    return [{ from: name, ready: answer.ok && answer.value.ready, milliseconds: answer.ok ? answer.value.milliseconds : undefined, reason: answer.ok ? undefined : answer.reason }];
  });
  const status: EndpointStatus = { address: vip, port, names, holders, answers };
  return { status, findings: [...holderFindings(observation, status), ...answerFindings(status)] };
}

function holderFindings({ cluster, facts }: Observation, { address, holders, answers }: EndpointStatus): Finding[] {
  if (holders.length > 1) {
    return [{ message: `${list(holders)} both hold the VIP ${address}`, next: 'Check that VRRP (IP protocol 112) passes between them, then look at journalctl -u kubekeep-keepalived on each.' }];
  }
  if (holders.length === 1) return [];
  const unseen = hostsWith(cluster, 'load-balancer').filter(({ name }) => !reachable(facts.hosts.get(name))).map(({ name }) => name);
  if (unseen.length > 0 && answers.some(({ ready }) => ready)) return [];
  const where = unseen.length > 0 ? ', unless one that cannot be reached does' : '';
  return [{ message: `no load balancer holds the VIP ${address}${where}`, next: 'Look at journalctl -u kubekeep-keepalived on the load balancers; keepalived gives the VIP up where HAProxy does not answer.' }];
}

function answerFindings({ address, port, answers }: EndpointStatus): Finding[] {
  const silent = answers.filter(({ ready, reason }) => !ready && reason !== undefined);
  const unready = answers.filter(({ ready, reason }) => !ready && reason === undefined);
  const from = (some: EndpointStatus['answers']) => (some.length === answers.length ? 'from any host' : `from ${list(some.map((one) => one.from))}`);
  return [
    ...(silent.length > 0 ? [{ message: `the API does not answer at ${address}:${port} ${from(silent)}: ${(silent[0]!.reason ?? '').replace(/^.*readyz\?verbose: /, '')}`, next: 'The table of balancers says which API servers each HAProxy uses.' }] : []),
    ...(unready.length > 0 ? [{ message: `the API is not ready at ${address}:${port} ${from(unready)}`, next: 'The table of hosts says which API servers are not ready.' }] : []),
  ];
}
