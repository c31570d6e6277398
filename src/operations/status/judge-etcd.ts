import type { EtcdMember } from '../../clients/etcd/connect-etcd.ts';
import type { EtcdStatus } from '../../clients/etcd/etcd-status.ts';
import { formatMemberId, type MemberId } from '../../clients/etcd/member-id.ts';
import { hostsWith, type HostSpec } from '../../cluster/cluster.ts';
import { reachable, type HostFacts, type Unreachable } from '../facts.ts';
import type { EtcdClusterStatus, Finding, MemberStatus } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';
import { list } from './words.ts';

/** Raft entries; what a member may be behind while it follows well. Two answers are never of the same moment. */
const muchLag = 5000;
const fullShare = 0.8;

/** The members as they see themselves, side by side. */
export function judgeEtcd({ cluster, facts, etcd }: Observation): Judged<EtcdClusterStatus> {
  const answers = new Map([...etcd].flatMap(([host, answer]) => (answer.ok ? [[host, answer.value] as const] : [])));
  const newest = [...answers.values()].sort((a, b) => b.status.raftIndex - a.status.raftIndex)[0];
  const listed = newest?.members ?? [];
  const index = newest?.status.raftIndex ?? 0;
  const hosts = hostsWith(cluster, 'etcd');
  const raised = alarmsIn(answers.values());
  const members = [
    ...hosts.map((host) => memberOf(host, memberFor(listed, host), answers.get(host.name)?.status, { known: newest !== undefined, index, ready: isReady(facts.hosts.get(host.name)), raised })),
    ...listed.filter((member) => !hosts.some((host) => memberFor([member], host))).map((member) => stranger(member)),
  ];
  const leaderId = newest?.status.leader;
  const voters = newest ? listed.filter(({ isLearner }) => !isLearner).length : hosts.length;
  const status: EtcdClusterStatus = {
    leader: members.find(({ id, said }) => id !== undefined && id === leaderId && said)?.name ?? members.find(({ id }) => id !== undefined && id === leaderId)?.name,
    term: newest?.status.raftTerm,
    voters,
    answering: members.filter(({ role }) => ['leader', 'follower', 'ready'].includes(role)).length,
    majority: Math.floor(voters / 2) + 1,
    members,
  };
  return { status, findings: [...quorumFindings(status), ...members.flatMap(memberFindings), ...alarmsOfOthers(raised, members), ...otherCluster(answers)] };
}

function memberFor(members: readonly EtcdMember[], { name, address }: HostSpec): EtcdMember | undefined {
  return members.find((member) => member.peerUrls.includes(`https://${address}:2380`)) ?? members.find((member) => member.name === name);
}

function isReady(found: HostFacts | Unreachable | undefined): boolean {
  return reachable(found) && found.etcd.ready;
}

function memberOf({ name }: HostSpec, member: EtcdMember | undefined, status: EtcdStatus | undefined, { known, index, ready, raised }: { known: boolean; index: number; ready: boolean; raised: readonly RaisedAlarm[] }): MemberStatus {
  const id = member?.id ?? status?.member;
  if (!status) return { name, id, role: known && !member ? 'not a member' : ready ? 'ready' : 'no answer', said: undefined };
  const { revision, raftTerm, raftAppliedIndex, dbSize, dbSizeInUse, dbSizeQuota, version } = status;
  const role = status.isLearner ? 'learner' : status.leader === status.member ? 'leader' : 'follower';
  const alarms = raised.filter(({ member: of }) => of === status.member).map(({ alarm }) => alarm);
  return { name, id, role, said: { revision, term: raftTerm, lag: Math.max(0, index - raftAppliedIndex), dbSize, dbSizeInUse, dbSizeQuota, version, alarms } };
}

interface RaisedAlarm {
  /** The member that it is about; the whole cluster obeys it. */
  readonly member: MemberId;
  readonly alarm: string;
}

/** Every member tells the alarms of all of them (etcd 3.7: "memberID:N alarm:NOSPACE"). */
function alarmsIn(answers: Iterable<{ readonly status: EtcdStatus }>): readonly RaisedAlarm[] {
  const texts = [...answers].flatMap(({ status }) => status.errors);
  const found = texts.flatMap((text) => [...text.matchAll(/memberID:\s*(\d+)\s+alarm:\s*(NOSPACE|CORRUPT)/g)].map(([, id = '', alarm = '']) => ({ member: formatMemberId(BigInt(id)), alarm })));
  return [...new Map(found.map((one) => [`${one.member} ${one.alarm}`, one])).values()];
}

/** Alarms about members that do not answer, or are none any more: the cluster obeys these too. */
function alarmsOfOthers(raised: readonly RaisedAlarm[], members: readonly MemberStatus[]): Finding[] {
  const others = raised.filter(({ member }) => !members.some(({ id, said }) => said && id === member));
  return others.map(({ member, alarm }) => {
    const name = members.find(({ id }) => id === member)?.name;
    return { message: `alarm ${alarm} is raised for ${name === undefined ? `etcd member ${member}, which is none any more` : `etcd on ${name}`}`, next: 'Once its cause is gone: etcdctl alarm disarm.' };
  });
}

function stranger({ id, name, peerUrls }: EtcdMember): MemberStatus {
  return { name: name || (peerUrls[0] ?? id).replace(/^https:\/\//, ''), id, role: 'no answer', said: undefined };
}

function quorumFindings({ leader, voters, answering, majority, members }: EtcdClusterStatus): Finding[] {
  const silent = members.filter(({ role }) => role === 'no answer').map(({ name }) => name);
  if (answering === 0) return [{ message: 'no etcd member answers, so nothing can be read or written', next: `Bring ${majority} of ${list(silent)} back.` }];
  if (leader === undefined && members.some(({ said }) => said)) {
    const back = silent.length > 0 ? `Bring ${list(silent)} back, or look` : 'Look';
    return [{ message: `etcd has no leader, so nothing can be written: ${answering} of ${voters} voting members answer and ${majority} are needed`, next: `${back} at journalctl -u etcd on the members.` }];
  }
  if (voters > 1 && answering <= majority && answering < voters) {
    return [{ message: `etcd has ${answering} of ${voters} voting members: one more lost and nothing can be written`, next: `Bring ${list(silent)} back before anything else is touched.` }];
  }
  return [];
}

function memberFindings({ name, id, role, said }: MemberStatus): Finding[] {
  const findings: Finding[] = [];
  if (role === 'learner') findings.push({ message: `etcd on ${name} is a learner and has no vote yet`, next: 'kubekeep apply promotes it when it has caught up.' });
  if (role === 'not a member') findings.push({ message: `${name} is no member of the etcd cluster`, next: 'kubekeep apply adds it.' });
  if (role === 'no answer' && id !== undefined && name.includes(':')) findings.push({ message: `etcd lists a member at ${name} (${id}) that has never started`, next: 'kubekeep apply goes on with the host that was being added.' });
  if (!said) return findings;
  if (said.alarms.includes('NOSPACE')) findings.push({ message: `etcd on ${name} is out of space (alarm NOSPACE), so nothing can be written`, next: 'Delete or compact data, defragment, then disarm the alarm with etcdctl alarm disarm.' });
  if (said.alarms.includes('CORRUPT')) findings.push({ message: `the data of etcd on ${name} differs from the other members' (alarm CORRUPT)`, next: `Stop etcd on ${name}, move its data away, and run kubekeep apply: it joins again with good data. Then etcdctl alarm disarm.` });
  if (said.dbSizeInUse > said.dbSizeQuota * fullShare && !said.alarms.includes('NOSPACE')) {
    findings.push({ message: `the database of etcd on ${name} is ${Math.round((said.dbSizeInUse / said.dbSizeQuota) * 100)} % full`, next: 'Find out what fills it, or raise spec.etcd.quotaBackendBytes and run kubekeep apply.' });
  }
  if (said.lag > muchLag) findings.push({ message: `etcd on ${name} is ${said.lag} raft entries behind`, next: `Look at the disk and the network of ${name}.` });
  return findings;
}

function otherCluster(answers: ReadonlyMap<string, { readonly status: EtcdStatus }>): Finding[] {
  const byId = [...Map.groupBy(answers, ([, { status }]) => status.clusterId).values()].sort((a, b) => b.length - a.length);
  return byId.slice(1).flat().map(([host]) => ({ message: `etcd on ${host} belongs to another etcd cluster than the other members`, next: `Stop etcd on ${host}, move its data away, and run kubekeep apply: it joins the others.` }));
}
