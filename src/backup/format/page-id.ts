import { hash } from 'node:crypto';
import { idLength } from './page-table.ts';

const block = 64;

/**
 * Puts the id of a page, HMAC-SHA256 (RFC 2104) under one key of at most 64 bytes, into a buffer. As two hashes at once, since an HMAC object for each of a hundred thousand pages takes twice as long as the hashing, and by
 * way of strings, since a buffer for each takes a third longer. The page's size is that of the pages from then on.
 */
export function pageHmac(key: Uint8Array, pageSize: number): (page: Uint8Array, into: Buffer, at: number) => void {
  const [inner, outer] = [Buffer.alloc(block + pageSize), Buffer.alloc(block + 32)];
  for (let at = 0; at < block; at++) {
    inner[at] = (key[at] ?? 0) ^ 0x36;
    outer[at] = (key[at] ?? 0) ^ 0x5c;
  }
  return (page, into, at) => {
    inner.set(page, block);
    outer.write(hash('sha256', inner, 'binary'), block, 'latin1');
    into.write(hash('sha256', outer, 'binary'), at, idLength, 'latin1');
  };
}
