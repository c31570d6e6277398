import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentDesign } from '../../render/design.ts';
import { rewritten, replaceOnce } from './_changed.ts';

const design: ComponentDesign = { name: 'haproxy', programs: {}, files: [{ path: '/a', content: 'one two', mode: 0o644, owner: 'root:root' }], onChange: 'reload' };

test('a file is rewritten', () => {
  assert.deepEqual(rewritten(design, '/a', (text) => text.replace('two', 'three')).files.map((file) => 'content' in file && file.content), ['one three']);
});

test('what changes nothing is an error: it would be compared with itself', () => {
  assert.throws(() => rewritten(design, '/b', () => ''), /nothing was changed in \/b/);
  assert.throws(() => rewritten(design, '/a', (text) => text), /nothing was changed/);
  assert.throws(() => replaceOnce('one', 'two', ''), /no two to replace/);
});
