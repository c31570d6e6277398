import { KubekeepError } from '../lib/errors.ts';
import { apiThroughVip } from './api-through-vip.ts';
import { checkTokens } from './check-tokens.ts';
import type { Evidence } from './history/verdict.ts';
import { listConfigMaps } from './list-config-maps.ts';
import type { Stage } from './stage.ts';

/**
 * What is there when the cluster is healthy again. It may have failed anew since: what cannot be had is left out, so that its promises are unknown, and a note
 * says why. The run is kept all the same.
 */
export async function lookAtEnd(stage: Stage, namespace: string): Promise<Pick<Evidence, 'finally' | 'tokens'>> {
  const kept = await orUnknown(stage, 'what exists at the end', () => apiThroughVip(stage, (api) => listConfigMaps(api, namespace)));
  const tokens = await orUnknown(stage, 'whose tokens are accepted', () => checkTokens(stage, namespace));
  return { finally: kept, ...(tokens && { tokens }) };
}

async function orUnknown<T>({ operation: { progress } }: Stage, what: string, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (caught) {
    if (!(caught instanceof KubekeepError)) throw caught;
    progress({ type: 'note', title: `${what} is not known: ${caught.message}` });
    return undefined;
  }
}
