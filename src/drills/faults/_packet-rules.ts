import type { Scripts } from './_on-hosts.ts';

export interface PacketRules {
  /** What nftables is to match; each with the verdict. */
  readonly matches: readonly string[];
  readonly hooks?: readonly ('input' | 'output')[];
  readonly verdict?: string;
}

/** Packets that a host itself drops or refuses. Two faults on one host add their rules to the same table, and whichever is undone first takes out both. */
export function packetRules({ matches, hooks = ['input', 'output'], verdict = 'drop' }: PacketRules): Scripts {
  const chains = hooks.map((hook) => `chain ${hook} { type filter hook ${hook} priority -10; \n${matches.map((match) => `${match} ${verdict}\n`).join('')}}\n`);
  return { inject: `nft 'table inet kubekeep_drill {\n${chains.join('')}}'`, undo: 'nft delete table inet kubekeep_drill 2>/dev/null || :' };
}
