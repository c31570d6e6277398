import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generatedPages, generatedPart } from '../support/generated-pages.ts';

describe('the reference pages', () => {
  for (const { path, content } of generatedPages) {
    it(`${path} lists exactly what the code has`, async () => {
      assert.equal(generatedPart(path), await content(), 'npm run fix:docs writes it anew');
    });
  }
});
