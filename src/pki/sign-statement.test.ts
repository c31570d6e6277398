import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from './authorities.ts';
import { isSignedBy, signStatement } from './sign-statement.ts';

const now = Date.UTC(2026, 10, 23, 12);
const ca = await createAuthority('kubernetes', 'prod', now);
const other = await createAuthority('kubernetes', 'prod', now);
const signature = signStatement('kubekeep.test/v1', 'a text', ca);

for (const [title, certificate, purpose, text, given, expected] of [
  ['its text, purpose and CA', ca.certificate, 'kubekeep.test/v1', 'a text', signature, true],
  ['another text', ca.certificate, 'kubekeep.test/v1', 'a text ', signature, false],
  ['another purpose', ca.certificate, 'kubekeep.test/v2', 'a text', signature, false],
  ['a line that moved from the text to the purpose', ca.certificate, 'kubekeep.test/v1\na text', '', signature, false],
  ['a CA of the same name', other.certificate, 'kubekeep.test/v1', 'a text', signature, false],
  ['no signature', ca.certificate, 'kubekeep.test/v1', 'a text', '', false],
  ['something that is no signature', ca.certificate, 'kubekeep.test/v1', 'a text', 'AAAA', false],
] as const) {
  test(`a signature ${expected ? 'fits' : 'does not fit'} ${title}`, () => {
    assert.equal(isSignedBy(certificate, purpose, text, given), expected);
  });
}
