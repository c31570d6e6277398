import type { ComponentName } from '../render/design.ts';
import type { ClusterStatus, HostStatus } from '../operations/status/cluster-status.ts';

const inner = 26;

/** The cluster as boxes side by side: each host with its parts, who leads etcd, who holds the VIP. */
export function drawCluster({ endpoint, etcd, services, hosts }: ClusterStatus, { colour }: { colour: boolean }): string {
  const kinds = [hosts.filter(({ roles }) => !roles.includes('worker')), hosts.filter(({ roles }) => roles.includes('worker'))];
  const rows = kinds.flatMap((some) => Array.from({ length: Math.ceil(some.length / 3) }, (_, row) => some.slice(row * 3, row * 3 + 3)));
  const holders = endpoint.holders.length > 0 ? `on ${endpoint.holders.join(' and ')}` : 'on no host that answers';
  const head = `VIP ${endpoint.address} ${holders} · etcd term ${etcd.term ?? '?'} · ${etcd.answering} of ${etcd.voters} votes`;
  const shown = services.map(({ name, vip, port, holders: on, nodes, up }) => `${name} at ${vip}:${port} on ${on.length > 0 ? on.join(' and ') : 'no host that answers'} · ${up.length > 0 ? Math.min(...up.map((one) => one.nodes)) : 0} of ${nodes} nodes up`);
  return [head, ...rows.flatMap((row) => sideBySide(row.map((host) => box(host, colour)))), ...shown].join('\n');
}

type Parts = readonly (readonly [ComponentName, string])[];

const parts: Parts = [
  ['etcd', 'etcd'],
  ['kube-apiserver', 'API server'],
  ['keepalived', 'balancer'],
];

const partsOfWorkers: Parts = [
  ['kubelet', 'kubelet'],
  ['containerd', 'containerd'],
  ['kube-proxy', 'kube-proxy'],
];

function box({ name, address, roles, reachable, components }: HostStatus, colour: boolean): string[] {
  const conditions = new Map(components.map((component) => [component.name, component.condition]));
  const marks: Readonly<Record<string, string>> = { 'leads': ' ★', 'holds VIP': ' ●' };
  const lines = [
    reachable ? address : 'does not answer',
    ...(roles.includes('worker') ? partsOfWorkers : parts).map(([part, title]) => {
      const condition = conditions.get(part);
      return condition ? `${title.padEnd(10)} ${condition}${marks[condition] ?? ''}` : '';
    }),
  ];
  const paint = (text: string) => (!colour ? text : !reachable ? `\x1b[31m${text}\x1b[0m` : conditions.get('keepalived') === 'holds VIP' ? `\x1b[32m${text}\x1b[0m` : text);
  return [`┌─ ${name} ${'─'.repeat(Math.max(0, inner - name.length - 1))}┐`, ...lines.map((line) => `│ ${line.padEnd(inner)} │`), `└${'─'.repeat(inner + 2)}┘`].map(paint);
}

function sideBySide(boxes: readonly string[][]): string[] {
  return boxes[0]!.map((_, line) => boxes.map((one) => one[line]).join(' '));
}
