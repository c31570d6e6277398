import { attempt } from './_tool.ts';

/** Removes a lab's cuts; nothing happens where there are none. */
export async function removeTable(table: string): Promise<void> {
  for (const family of ['bridge', 'ip']) await attempt('nft', ['delete', 'table', family, table]);
}
