import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { pageHmac } from './page-id.ts';
import { idLength } from './page-table.ts';

describe('the id of a page', () => {
  it('is the HMAC-SHA256 that everybody computes, of page after page', () => {
    for (const [keyLength, pageSize] of [[32, 4096], [32, 1024], [64, 65536], [16, 8192]] as const) {
      const key = randomBytes(keyLength);
      const hmac = pageHmac(key, pageSize);
      const ids = Buffer.alloc(20 * idLength);
      for (let page = 0; page < 20; page++) {
        const content = randomBytes(pageSize);
        hmac(content, ids, page * idLength);
        assert.deepEqual(ids.subarray(page * idLength, (page + 1) * idLength), createHmac('sha256', key).update(content).digest().subarray(0, idLength));
      }
    }
  });
});
