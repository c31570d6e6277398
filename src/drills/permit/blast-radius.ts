import { undoneAfter } from '../dead-man.ts';
import { allowanceOf } from '../faults/allowance.ts';
import type { Aim, Fault, FaultComponent } from '../faults/fault.ts';
import type { Lane } from '../history/record.ts';
import type { Allowance } from '../history/verdict.ts';

export interface BlastRadius {
  readonly cluster: string;
  readonly fault: Pick<Fault, 'id' | 'title' | 'component' | 'seconds' | 'planned' | 'limit' | 'target'>;
  readonly aim: Pick<Aim, 'about' | 'hosts'>;
  readonly lanes: readonly Pick<Lane, 'workload' | 'rate'>[];
}

/** What a drill outside a lab is about to do to those who use the cluster: lines for the person who has to agree. */
export function describeBlastRadius({ cluster, fault, aim, lanes }: BlastRadius): string[] {
  const rate = lanes.reduce((sum, lane) => sum + lane.rate, 0);
  return [
    `${fault.id} on ${cluster}: ${fault.title}: ${aim.about}`,
    `  hosts    ${aim.hosts.length === 0 ? 'none is touched' : aim.hosts.join(', ')}`,
    `  clients  ${clientsNotice(fault)}`,
    `  lasts    ${fault.planned ? 'until it is done' : `${fault.seconds} s`}`,
    `  undone   ${undone(fault, aim)}`,
    `  load     ${rate} requests a second from this computer, in a namespace that is removed at the end`,
  ];
}

function clientsNotice(fault: BlastRadius['fault']): string {
  const { component, planned, target } = fault;
  if (planned) return `should notice little: requests may fail or be late, ${forAtMost(allowanceOf(fault).limit)}`;
  return `${notice[component]}${target ? `; writes should go on within ${Math.max(target.new[1], target.reused[1])} s` : ''}`;
}

function forAtMost(limit: Allowance['limit']): string {
  return limit.new === limit.reused ? `for ${limit.new} s at most` : `for ${limit.new} s at most on new connections and ${limit.reused} s on one that is kept`;
}

const notice: Readonly<Record<FaultComponent, string>> = {
  'etcd': 'writes wait while etcd does without the member, or elects another leader; requests on the wire to its API server may get no answer',
  'API server': 'requests on the wire to that API server may be answered late or not at all, and its connections end',
  'HAProxy': 'connections through the VIP may end, and new ones wait until another host has it',
  'keepalived': 'connections through the VIP may end, and new ones wait until another host has it',
  'host': 'answers may be slow',
  'operator': 'should notice nothing',
  'network': 'requests may wait until whatever cannot be reached is left out',
  'node': 'requests to services on the wire to that node may get no answer, and others may be slow',
};

function undone(fault: BlastRadius['fault'], { hosts }: BlastRadius['aim']): string {
  if (hosts.length === 0) return 'nothing has to be';
  return `by kubekeep, after Ctrl-C too; where it is killed or cut off, by ${hosts.length === 1 ? 'the host itself' : 'each host itself'} ${undoneAfter(fault, {})} s after the beginning`;
}
