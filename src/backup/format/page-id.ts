import { hash } from 'node:crypto';

const block = 64;

/**
 * HMAC-SHA256 (RFC 2104) of pages under one key of at most 64 bytes. As two hashes at once, since an HMAC object for each of a hundred thousand pages takes twice as long as the hashing. The page's size
 * is that of the pages from then on.
 */
export function pageHmac(key: Uint8Array, pageSize: number): (page: Uint8Array) => Buffer {
  const [inner, outer] = [Buffer.alloc(block + pageSize), Buffer.alloc(block + 32)];
  for (let at = 0; at < block; at++) {
    inner[at] = (key[at] ?? 0) ^ 0x36;
    outer[at] = (key[at] ?? 0) ^ 0x5c;
  }
  return (page) => {
    inner.set(page, block);
    outer.set(hash('sha256', inner, 'buffer'), block);
    return hash('sha256', outer, 'buffer');
  };
}
