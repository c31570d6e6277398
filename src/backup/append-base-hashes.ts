import type { BaseHashes } from './base-hashes.ts';
import type { Chain } from './chain.ts';
import type { MemberVerdict } from './compare-members.ts';
import type { SigningKey } from './repository-keys.ts';

/** Says what members said of a base. Nothing where it was retired meanwhile. */
export async function appendBaseHashes(chain: Chain, base: { readonly number: number; readonly revision: number }, hashes: readonly MemberVerdict[], writer: SigningKey): Promise<void> {
  await chain.append('base-hashes', writer, (entries) => {
    const alive = entries.some(({ kind, number }) => kind === 'base' && number === base.number);
    return alive ? ({ base: base.number, revision: base.revision, hashes: [...hashes] } satisfies BaseHashes) : undefined;
  });
}
