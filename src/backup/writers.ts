import { KubekeepError } from '../lib/errors.ts';
import type { ReadEntry, WriterList } from './read-entry.ts';
import { publicBytes, type OwnerKeys, type SigningKey } from './repository-keys.ts';
import type { Repository } from './repository.ts';

/** Who writes and who did, as the owner has said last. */
export function writersIn(entries: readonly ReadEntry[]): WriterList['writers'] {
  return (entries.findLast(({ kind }) => kind === 'writers')?.body as WriterList | undefined)?.writers ?? [];
}

/** Lets more write from now on; says nothing where all of them may. Throws `repository-mismatch` where one was revoked: it needs another key. */
export async function addWriters({ chain, store }: Repository, { owner }: Pick<OwnerKeys, 'owner'>, writers: readonly SigningKey[]): Promise<void> {
  await chain.append('writers', owner, (entries) => {
    const before = writersIn(entries);
    const revoked = before.find(({ id, until }) => until !== undefined && writers.some(({ writer }) => writer === id));
    if (revoked) throw new KubekeepError('repository-mismatch', `writer ${revoked.id.slice(0, 12)} of ${store.place} was revoked, and a key that somebody may have does not come back`, { hint: 'kubekeep apply makes another one when it is run again.' });
    const more = writers.filter(({ writer }) => !before.some(({ id }) => id === writer));
    return more.length === 0 ? undefined : ({ writers: [...before, ...more.map((one) => ({ id: one.writer, key: publicBytes(one) }))] } satisfies WriterList);
  });
}

/** What they append from now on does not count; what they appended stays. Writers that are not known, or were revoked before, are passed over. */
export async function revokeWriters({ chain }: Repository, { owner }: Pick<OwnerKeys, 'owner'>, ids: readonly string[]): Promise<void> {
  await chain.append('writers', owner, (entries) => {
    const before = writersIn(entries);
    const until = chain.newest?.number ?? 0;
    if (!before.some((one) => ids.includes(one.id) && one.until === undefined)) return undefined;
    return { writers: before.map((one) => (ids.includes(one.id) && one.until === undefined ? { ...one, until } : one)) } satisfies WriterList;
  });
}
