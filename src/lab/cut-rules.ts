import { thisComputer, type Lab } from './lab.ts';
import { bridgeMac } from './layout.ts';

/** One direction between two machines (or this computer) that carries nothing any more. */
export interface Cut {
  readonly from: string;
  readonly to: string;
  /** `drop` says nothing to the sender, as a cut cable; `reject` answers with a TCP reset or "host unreachable", as a firewall. */
  readonly action: 'drop' | 'reject';
}

/** The cuts with these added; a direction has one cut, the newest. */
export function addCuts(cuts: readonly Cut[], added: readonly Cut[]): readonly Cut[] {
  return [...cuts.filter((cut) => !added.some(({ from, to }) => from === cut.from && to === cut.to)), ...added];
}

/** The cuts that stay when the link between `names` is healed: with none everything is, with one all links of that machine, with two both directions. */
export function withoutCuts(cuts: readonly Cut[], names: readonly string[]): readonly Cut[] {
  return names.length === 0 ? [] : cuts.filter(({ from, to }) => !names.every((name) => name === from || name === to));
}

/**
 * The nftables file that replaces a lab's tables by these cuts. Frames are dropped by the names of the cables, which are the same after
 * a power cycle. The answers of a reject come from the sender's own cable, which must exist (`interfaces`); without it the cut still
 * drops. ARP passes where only one way is cut, since without its answers the other way would soon be cut too, and where a cut rejects,
 * since firewalls let it.
 */
export function cutRules(lab: Lab, cuts: readonly Cut[], interfaces: ReadonlySet<string>): string {
  const { table } = lab;
  const lines = ['bridge', 'netdev', 'ip'].flatMap((family) => [`add table ${family} ${table}`, `delete table ${family} ${table}`]);
  if (cuts.length === 0) return `${lines.join('\n')}\n`;
  const dropping = (hook: string, chosen: (cut: Cut) => boolean) => [
    `chain ${hook} {`, `type filter hook ${hook} priority -200; policy accept;`, ...cuts.filter(chosen).map((cut) => `${dropRule(lab, cut, cuts)} comment "${comment(cut)}"`), '}',
  ];
  lines.push(
    `table bridge ${table} {`,
    ...dropping('forward', ({ from, to }) => from !== thisComputer && to !== thisComputer),
    ...dropping('input', ({ to }) => to === thisComputer),
    ...dropping('output', ({ from }) => from === thisComputer),
    '}',
  );
  lines.push(...rejectAtCables(lab, cuts, interfaces), ...rejectAtThisComputer(lab, cuts));
  return `${lines.join('\n')}\n`;
}

/** Reads the cuts back from what `nft --json list table bridge …` prints. */
export function parseCuts(listing: string): readonly Cut[] {
  const { nftables } = JSON.parse(listing) as { nftables: { rule?: { comment?: string } }[] };
  return nftables.flatMap(({ rule }) => {
    const [word, from, to, action] = rule?.comment?.split(' ') ?? [];
    return word === 'cut' && from && to && (action === 'drop' || action === 'reject') ? { from, to, action } : [];
  });
}

function comment({ from, to, action }: Cut): string {
  return `cut ${from} ${to} ${action}`;
}

function dropRule(lab: Lab, { from, to, action }: Cut, cuts: readonly Cut[]): string {
  const bothWays = cuts.some((other) => other.from === to && other.to === from);
  const ends = [from !== thisComputer && `iifname "${cable(lab, from)}"`, to !== thisComputer && `oifname "${cable(lab, to)}"`];
  return [...ends, (action === 'reject' || !bothWays) && 'ether type != arp', 'drop'].filter(Boolean).join(' ');
}

function rejectAtCables(lab: Lab, cuts: readonly Cut[], interfaces: ReadonlySet<string>): string[] {
  const rejecting = cuts.filter(({ from, action }) => action === 'reject' && from !== thisComputer && interfaces.has(cable(lab, from)));
  const senders = [...new Set(rejecting.map(({ from }) => from))];
  if (senders.length === 0) return [];
  const chains = senders.flatMap((sender) => [
    `chain ${cable(lab, sender)} {`,
    `type filter hook ingress device "${cable(lab, sender)}" priority -200; policy accept;`,
    ...rejecting.filter(({ from }) => from === sender).flatMap(({ to }) => rejectRules(`ether daddr ${mac(lab, to)}`)),
    '}',
  ]);
  return [`table netdev ${lab.table} {`, ...chains, '}'];
}

function rejectAtThisComputer(lab: Lab, cuts: readonly Cut[]): string[] {
  const rejecting = cuts.filter(({ from, action }) => action === 'reject' && from === thisComputer);
  if (rejecting.length === 0) return [];
  const rules = rejecting.flatMap(({ to }) => rejectRules(`oifname "${lab.bridge}" ip daddr ${lab.machines.find(({ name }) => name === to)!.address}`));
  return [`table ip ${lab.table} {`, 'chain output {', 'type filter hook output priority -200; policy accept;', ...rules, '}', '}'];
}

function rejectRules(match: string): string[] {
  return [`${match} ip protocol tcp reject with tcp reset`, `${match} ip protocol != tcp reject with icmp type host-unreachable`];
}

function cable(lab: Lab, name: string): string {
  return lab.machines.find((machine) => machine.name === name)!.interface;
}

function mac(lab: Lab, name: string): string {
  return name === thisComputer ? bridgeMac(lab) : lab.machines.find((machine) => machine.name === name)!.mac;
}
