import type { ClusterView, HostView } from '../operations/view-cluster.ts';

const width = 30;

/** The cluster as boxes side by side: each host with its parts, who leads etcd, who holds the VIP. */
export function drawCluster({ vip, term, votes, hosts }: ClusterView, { colour }: { colour: boolean }): string {
  const rows = Array.from({ length: Math.ceil(hosts.length / 3) }, (_, row) => hosts.slice(row * 3, row * 3 + 3));
  const holder = hosts.find(({ holdsVip }) => holdsVip);
  const head = `VIP ${vip} ${holder ? `on ${holder.name}` : 'on no host that answers'} · etcd term ${term ?? '?'} · ${votes.present} of ${votes.all} votes`;
  return [head, ...rows.flatMap((row) => sideBySide(row.map((host) => box(host, colour))))].join('\n');
}

function box(host: HostView, colour: boolean): string[] {
  const lines = [
    host.reachable ? host.address : 'does not answer',
    ...(host.etcd ? [`etcd       ${host.etcd}${host.etcd === 'leader' ? ' ★' : ''}`] : []),
    ...(host.api ? [`API server ${host.api}`] : []),
    ...(host.roles.includes('load-balancer') ? [`balancer   ${host.holdsVip ? 'holds the VIP ●' : host.reachable ? 'waits' : 'no answer'}`] : []),
  ];
  while (lines.length < 4) lines.push('');
  const paint = (text: string) => (!colour ? text : host.reachable ? (host.holdsVip ? `\x1b[32m${text}\x1b[0m` : text) : `\x1b[31m${text}\x1b[0m`);
  const inner = width - 4;
  return [`┌─ ${host.name} ${'─'.repeat(Math.max(0, inner - host.name.length - 1))}┐`, ...lines.map((line) => `│ ${line.padEnd(inner)} │`), `└${'─'.repeat(width - 2)}┘`].map(paint);
}

function sideBySide(boxes: readonly string[][]): string[] {
  return boxes[0]!.map((_, line) => boxes.map((one) => one[line]).join(' '));
}
