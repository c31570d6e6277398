import { KubekeepError } from '../../lib/errors.ts';
import { apply } from '../../operations/apply.ts';
import type { Stage } from '../stage.ts';

/** What a user would do about whatever is wrong. Not with the drill's signal: after Ctrl-C too. Throws what `apply` throws, and `not-healthy` where a second one finds more to do. */
export async function applyToEnd({ operation }: Pick<Stage, 'operation'>): Promise<void> {
  const calmly = { ...operation, signal: new AbortController().signal };
  const confirm = () => Promise.resolve(true);
  await apply(calmly, { confirm });
  const { changes } = await apply(calmly, { confirm });
  if (changes > 0) throw new KubekeepError('not-healthy', `apply did not converge: a second one made ${changes} more changes`, { hint: 'kubekeep plan says what there still is to do.' });
}
