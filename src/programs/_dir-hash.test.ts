import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { directoryHash } from './_dir-hash.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

// The go.mod sum of golang.org/toolchain v0.0.1-go1.26.8 in the Go checksum database, and the file that it is the sum of.
test('the sum is the one of the Go checksum database', () => {
  assert.equal(directoryHash([{ name: 'go.mod', sha256: sha256('module golang.org/toolchain\n') }]), 'h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=');
});

test('the order of the files does not matter, their names and contents do', () => {
  const a = { name: 'm@v1/a.go', sha256: sha256('a') };
  const b = { name: 'm@v1/B.go', sha256: sha256('b') };
  assert.equal(directoryHash([a, b]), directoryHash([b, a]));
  assert.notEqual(directoryHash([a, b]), directoryHash([{ ...a, name: 'm@v1/c.go' }, b]));
  assert.notEqual(directoryHash([a, b]), directoryHash([{ ...a, sha256: b.sha256 }, b]));
});

test('files are in byte order: capital letters first, then small ones, then beyond ASCII', () => {
  const names = ['m/é', 'm/b', 'm/B', 'm/a'];
  const lines = ['m/B', 'm/a', 'm/b', 'm/é'].map((name) => `${sha256(name)}  ${name}\n`).join('');
  const expected = `h1:${createHash('sha256').update(lines).digest('base64')}`;
  assert.equal(directoryHash(names.map((name) => ({ name, sha256: sha256(name) }))), expected);
});

test('a name with a line break, which could hide another file, is refused', () => {
  assert.throws(() => directoryHash([{ name: 'a\nb', sha256: sha256('') }]), TypeError);
});
