import { apiService } from '../../cluster/service.ts';
import { KubekeepError } from '../../lib/errors.ts';

/** What somebody wants of a server by `kubekeep lb`: it counts more than what its load or its node says, until it is taken back. */
export type Wish = { readonly state: 'drain' | 'maint' } | { readonly weight: number };

/** Wishes of one balancer by "SERVICE/NODE", as `by-hand.json` on it has them. */
export type ByHand = Readonly<Record<string, Wish>>;

/** Reads `by-hand.json`; a file that is not there has no wishes. Throws `command-failed` where it is something else than what was written. */
export function parseByHand(text: string): ByHand {
  if (text.trim() === '') return {};
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, unknown>);
    if (entries.every(([, wish]) => isWish(wish))) return Object.fromEntries(entries) as ByHand;
  } catch {
    // Told below.
  }
  throw new KubekeepError('command-failed', 'its by-hand.json cannot be read', { hint: 'Remove that file on the balancer; then drain again what has to be drained.' });
}

export function byHandText(byHand: ByHand): string {
  return `${JSON.stringify(Object.fromEntries(Object.entries(byHand).toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 2)}\n`;
}

/** Whether a wish is for an API server. */
export function isOfApi(name: string): boolean {
  return name.startsWith(`${apiService}/`);
}

function isWish(wish: unknown): wish is Wish {
  if (typeof wish !== 'object' || wish === null) return false;
  const { state, weight } = wish as { state?: unknown; weight?: unknown };
  if (weight === undefined) return state === 'drain' || state === 'maint';
  return state === undefined && Number.isInteger(weight) && Number(weight) >= 1 && Number(weight) <= 100;
}
