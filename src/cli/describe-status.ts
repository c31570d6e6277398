import { goodConditions, type ClusterStatus, type Condition, type HostStatus, type MemberStatus, type ServiceStatus, type Treatment } from '../operations/status/cluster-status.ts';
import type { ComponentName } from '../render/design.ts';

export interface DescribeStatusOptions {
  readonly colour: boolean;
}

/** A cell of a table: what it says, and how it is painted once the columns are aligned. */
type Cell = readonly [text: string, tone?: Tone | undefined];
type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'strong';

const codes: Readonly<Record<Tone, number>> = { good: 32, bad: 31, warn: 33, quiet: 2, strong: 1 };

/** The state of a cluster as one screen. */
export function describeStatus(status: ClusterStatus, { colour }: DescribeStatusOptions): string {
  const paint: Paint = (text, tone) => (colour && tone && text !== '' ? `\x1b[${codes[tone]}m${text}\x1b[0m` : text);
  return [
    head(status, paint),
    '',
    ...labelled(status, paint),
    '',
    ...hostTables(status, paint),
    ...(status.etcd.members.some(({ said }) => said) ? ['', ...etcdTable(status, paint)] : []),
    ...(status.balancers.length > 0 ? ['', ...balancerTable(status, paint)] : []),
    ...(status.services.length > 0 ? ['', ...serviceTable(status, paint)] : []),
    ...verdict(status, paint),
  ].join('\n');
}

type Paint = (text: string, tone: Tone | undefined) => string;

function head({ cluster, healthy, observedAt }: ClusterStatus, paint: Paint): string {
  return `${paint(cluster, 'strong')}  ${healthy ? paint('healthy', 'good') : paint('degraded', 'bad')}  ${paint(`${observedAt.slice(0, 19)}Z`, 'quiet')}`;
}

function labelled(status: ClusterStatus, paint: Paint): string[] {
  return [
    ['endpoint', endpointText(status)],
    ['etcd', etcdText(status)],
    ['versions', versionText(status)],
    ['drift', driftText(status)],
  ].map(([label, text]) => `${paint(label!.padEnd(10), 'quiet')}${text}`);
}

function endpointText({ endpoint: { address, port, names, holders, answers } }: ClusterStatus): string {
  const ready = answers.filter((one) => one.ready);
  const slowest = Math.max(...ready.map(({ milliseconds }) => milliseconds ?? 0));
  const answer = answers.length === 0 ? 'not asked' : ready.length === 0 ? 'no answer' : ready.length === answers.length ? `ready in ${slowest} ms at most` : `ready from ${ready.map(({ from }) => from).join(', ')} only`;
  const held = holders.length === 0 ? 'on no host that answers' : `on ${holders.join(' and ')}`;
  return `${address}:${port}${names.length > 0 ? ` (${names.join(', ')})` : ''} ${held}, ${answer}`;
}

function etcdText({ etcd: { leader, term, voters, answering } }: ClusterStatus): string {
  return `${answering} of ${voters} voting members answer, ${leader === undefined ? 'no leader' : `${leader} leads`}${term === undefined ? '' : ` in term ${term}`}`;
}

function versionText({ versions: { kubernetes, etcd, others } }: ClusterStatus): string {
  const wanted = `Kubernetes ${kubernetes}, etcd ${etcd}`;
  return others.length === 0 ? wanted : `${wanted}; but ${others.map(({ host, component, version }) => `${component} ${version} on ${host}`).join(', ')}`;
}

function driftText({ drift: { changes, reasons }, hosts }: ClusterStatus): string {
  if (changes === undefined) return `unknown: ${reasons.join('; ')}`;
  if (changes === 0 && hosts.some((host) => !host.reachable)) return 'none on the hosts that answer';
  return changes === 0 ? 'none, everything is as the cluster file says' : `${changes} ${changes === 1 ? 'change' : 'changes'} pending`;
}

/** Services have a table of their own; what steers them shows where it is not well. */
const columns: readonly (readonly [title: string, component: ComponentName])[] = [
  ['ETCD', 'etcd'],
  ['API SERVER', 'kube-apiserver'],
  ['CONTROLLERS', 'kube-controller-manager'],
  ['SCHEDULER', 'kube-scheduler'],
  ['HAPROXY', 'haproxy'],
  ['KEEPALIVED', 'keepalived'],
  ['KEEPER', 'keeper'],
  ['CONTAINERD', 'containerd'],
  ['KUBELET', 'kubelet'],
  ['KUBE-PROXY', 'kube-proxy'],
];

/** Workers have programs of their own, and so a table of their own. */
function hostTables({ hosts }: ClusterStatus, paint: Paint): string[] {
  const isWorker = ({ roles }: HostStatus) => roles.includes('worker');
  const workers = hosts.filter(isWorker);
  return [...hostTable('HOST', hosts.filter((host) => !isWorker(host)), paint), ...(workers.length > 0 ? ['', ...hostTable('WORKER', workers, paint)] : [])];
}

function hostTable(title: string, hosts: readonly HostStatus[], paint: Paint): string[] {
  const used = columns.filter(([, name]) => hosts.some(({ components }) => components.some((one) => one.name === name)));
  const titles: Cell[] = [title, 'ADDRESS', ...used.map(([name]) => name), 'CERTS'].map((text) => [text, 'quiet']);
  const rows = hosts.map((host): Cell[] => [
    [host.name, host.reachable ? 'strong' : 'bad'],
    [host.address],
    ...(host.reachable ? used.map(([, name]) => conditionCell(host.components.find((one) => one.name === name)?.condition)) : []),
    host.reachable ? daysCell(host) : [`cannot be reached: ${host.reason ?? ''}`, 'bad'],
  ]);
  return table([titles, ...rows], paint);
}

function conditionCell(condition: Condition | undefined): Cell {
  if (condition === undefined) return ['-', 'quiet'];
  if (condition === 'starting' || condition === 'catches up') return [condition, 'warn'];
  return [condition, goodConditions.includes(condition) ? 'good' : condition === 'unknown' ? 'quiet' : 'bad'];
}

function daysCell({ certificate }: HostStatus): Cell {
  if (!certificate) return ['-', 'quiet'];
  const { daysLeft } = certificate;
  return daysLeft < 0 ? ['expired', 'bad'] : [`${daysLeft} d`, daysLeft < 30 ? 'warn' : undefined];
}

function etcdTable({ etcd: { members } }: ClusterStatus, paint: Paint): string[] {
  const titles: Cell[] = ['ETCD', 'ROLE', 'TERM', 'REVISION', 'LAG', 'DB', 'IN USE', 'QUOTA', 'VERSION', 'ALARMS'].map((title) => [title, 'quiet']);
  return table([titles, ...members.map(memberRow)], paint, ['TERM', 'REVISION', 'LAG', 'DB', 'IN USE', 'QUOTA']);
}

function memberRow({ name, role, said }: MemberStatus): Cell[] {
  const tone = role === 'leader' || role === 'follower' || role === 'ready' ? 'good' : role === 'learner' ? 'warn' : 'bad';
  if (!said) return [[name], [role, tone]];
  const { term, revision, lag, dbSize, dbSizeInUse, dbSizeQuota, version, alarms } = said;
  const share = dbSizeInUse / dbSizeQuota;
  return [
    [name],
    [role, tone],
    [String(term)],
    [String(revision)],
    [String(lag)],
    [bytes(dbSize)],
    [`${bytes(dbSizeInUse)}`, share > 0.8 ? 'warn' : undefined],
    [bytes(dbSizeQuota)],
    [version],
    alarms.length > 0 ? [alarms.join(', '), 'bad'] : ['none', 'quiet'],
  ];
}

function bytes(count: number): string {
  return count >= 1e9 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${(count / 2 ** 20).toFixed(1)} MiB`;
}

function balancerTable({ balancers }: ClusterStatus, paint: Paint): string[] {
  const servers = balancers[0]!.servers.map(({ server }) => server);
  const titles: Cell[] = ['HAPROXY ON', ...servers.map((server) => `→ ${server}`), 'CONNECTIONS'].map((title) => [title, 'quiet']);
  const rows = balancers.map((balancer): Cell[] => [
    [balancer.host],
    ...balancer.servers.map(({ treatment, live, ready }): Cell => [treatment === 'serves' && !ready.startsWith('UP') ? 'serves, not ready' : treatment === 'unknown' ? (live || 'unknown') : treatment, tones[treatment]]),
    [String(balancer.servers.reduce((sum, { sessions }) => sum + sessions, 0))],
  ]);
  return table([titles, ...rows], paint, ['CONNECTIONS']);
}

function serviceTable({ services }: ClusterStatus, paint: Paint): string[] {
  const titles: Cell[] = ['SERVICE', 'ADDRESS', 'VIP ON', 'LEADS TO', 'NODES UP'].map((title) => [title, 'quiet']);
  return table([titles, ...services.map((service): Cell[] => [[service.name, 'strong'], [`${service.vip}:${service.port}`], [service.holders.join(' and ') || '-'], [service.leadsTo], upCell(service)])], paint);
}

/** One figure where all balancers agree. */
function upCell({ nodes, up }: ServiceStatus): Cell {
  const counts = [...new Set(up.map((one) => one.nodes))];
  const least = Math.min(...counts);
  if (counts.length === 0) return ['unknown', 'quiet'];
  const tone = least === nodes ? 'good' : least === 0 ? 'bad' : 'warn';
  return counts.length === 1 ? [`${least} of ${nodes}`, tone] : [`${up.map((one) => `${one.nodes} by ${one.host}`).join(', ')} of ${nodes}`, tone];
}

const tones: Readonly<Record<Treatment, Tone>> = { serves: 'good', drains: 'warn', dead: 'bad', unknown: 'quiet' };

function verdict({ healthy, degraded, notes }: ClusterStatus, paint: Paint): string[] {
  const noteLines = notes.map((note) => `  ${note}`);
  if (healthy) return noteLines.length > 0 ? ['', ...noteLines] : [];
  const width = String(degraded.length).length;
  return [
    '',
    paint(degraded.length === 1 ? 'One thing is not as it should be:' : `${degraded.length} things are not as they should be:`, 'bad'),
    ...degraded.flatMap(({ message, next }, position) => [
      ...wrap(`${String(position + 1).padStart(width)}. ${message}`, width + 2).map((line) => `  ${line}`),
      ...wrap(`→ ${next}`, 2).map((line) => `  ${' '.repeat(width + 2)}${paint(line, 'quiet')}`),
    ]),
    ...noteLines,
  ];
}

/** Lines of at most 94 characters, the second and later ones indented. */
function wrap(text: string, indent: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line.trim() !== '' && line.length + 1 + word.length > 94) lines.push(`${' '.repeat(indent)}${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}

/** Columns two blanks apart; a row may end early, its last cell then does not widen the column. */
function table(rows: readonly (readonly Cell[])[], paint: Paint, right: readonly string[] = []): string[] {
  const [titles = []] = rows;
  const full = rows.filter((row) => row.length === titles.length);
  const widths = titles.map((_, column) => Math.max(...(column < 2 ? rows : full).map((row) => row[column]?.[0].length ?? 0)));
  return rows.map((row) =>
    row
      .map(([text, tone], column) => {
        const last = column === row.length - 1;
        const gap = ' '.repeat(Math.max(0, widths[column]! - text.length));
        const atRight = right.includes(titles[column]![0]);
        return atRight ? `${gap}${paint(text, tone)}` : `${paint(text, tone)}${last ? '' : gap}`;
      })
      .join('  '),
  );
}
