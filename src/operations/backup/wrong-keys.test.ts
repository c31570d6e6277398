import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { after, before, describe, it } from 'node:test';
import { armor, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { emptyBase, madeRepository, type MadeRepository } from '../../../test/support/backup-repository.ts';
import { folderStore } from '../../backup/store/folder-store.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { KubekeepError } from '../../lib/errors.ts';
import { isOpenToOthers, readIdentityFile } from '../state.ts';
import { proveKey } from './prove-key.ts';

// Keys that are right for something else are elsewhere: a repository of others and one with the same keys in its place, repository-mutations.test.ts; recipients who were removed or joined, with old and new data,
// change-recipients.test.ts and keys-command.test.ts; no key for Secrets, restore-verify.test.ts. There are no recipients with a passphrase (docs/decisions/0027), and no KMS: kubekeep's clusters encrypt with a key
// of their own, and points of others' clusters are not listed.
describe('a file that is given as the identity of a repository', () => {
  let folder: string;
  let made: MadeRepository;
  let right: string;
  let other: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-keys-'));
    made = await madeRepository();
    await emptyBase(await made.open(), made.keys);
    [right, other] = [made.identity.reveal(), await generateX25519Identity()];
  });
  after(async () => {
    await made[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const path = () => join(folder, 'identity');
  const opened = async () => proveKey(folderStore(made.folder), await readIdentityFile(path()));
  const encrypted = async (armored: boolean) => {
    const encrypter = new Encrypter();
    encrypter.setPassphrase('correct horse');
    encrypter.setScryptWorkFactor(2);
    const file = await encrypter.encrypt(right);
    return armored ? armor.encode(file) : file;
  };

  const good: readonly (readonly [string, () => string])[] = [
    ['as age-keygen writes it', () => `# created: 2026-11-25\n# public key: age1…\n${right}\n`],
    ['without a line end', () => right],
    ['with Windows line ends', () => `# an identity\r\n${right}\r\n`],
    ['with a byte order mark and blanks around', () => `\ufeff\n  ${right}  \n\n`],
  ];
  for (const [title, text] of good) {
    it(`opens it ${title}`, async () => {
      await writeFile(path(), text());
      assert.equal((await opened()).recipient, await identityToRecipient(right));
    });
  }

  const bad: readonly (readonly [string, () => string | Uint8Array | Promise<string | Uint8Array>, ErrorCode, RegExp])[] = [
    ['of somebody else', () => other, 'identity-missing', /the identity does not open keys\/1\.age: it was written for other recipients, or is damaged$/],
    ['that is empty', () => '', 'identity-missing', /identity is empty: there is no identity in it/],
    ['with comments only', () => '# public key: age1xyz\n\n', 'identity-missing', /is empty/],
    ['with the recipient in place of the identity', () => identityToRecipient(right), 'identity-missing', /holds a recipient \(age1…\), which can only encrypt/],
    ['that is protected with a passphrase', () => encrypted(false), 'identity-missing', /is encrypted itself, with a passphrase/],
    ['that is protected with a passphrase, in letters', () => encrypted(true), 'identity-missing', /is encrypted itself, with a passphrase/],
    ['with several identities', () => `${right}\n${other}\n`, 'identity-missing', /has 2 identities, and which one is meant/],
    ['with a slip in it', () => right.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q')), 'identity-missing', /not an age identity/],
    ['with half of it', () => right.slice(0, 40), 'identity-missing', /not an age identity/],
    ['that is for a plugin', () => 'AGE-PLUGIN-YUBIKEY-1QQPQ', 'identity-missing', /a plugin of age/],
    ['that is an SSH key', () => '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n', 'identity-missing', /not an age identity/],
  ];
  for (const [title, text, code, message] of bad) {
    it(`is refused in words that show none of it: one ${title}`, async () => {
      await writeFile(path(), await text());
      const error: unknown = await opened().then(() => undefined, (caught: unknown) => caught);
      assert.ok(error instanceof KubekeepError);
      assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
      assert.ok(error.hint);
      const printed = inspect(error, { depth: 9, showHidden: true });
      for (const word of [right, other, right.slice(16, 40), 'b3Blbn', 'correct horse']) assert.equal(printed.includes(word), false, word);
    });
  }

  it('that is right: an object with any bit of it changed is called damaged too, and never a key for somebody else alone', async () => {
    await writeFile(path(), right);
    const name = join(made.folder, 'keys/1.age');
    const good = await readFile(name);
    for (let at = 0; at < good.length; at += 3) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      await writeFile(name, bad);
      await assert.rejects(opened(), { message: /^(keys\/1\.age: it is no whole age file|the identity does not open keys\/1\.age: .*damaged)/ }, String(at));
    }
    await writeFile(name, good);
    await opened();
  });

  it('is refused where it does not exist or is a folder', async () => {
    await mkdir(join(folder, 'dir'));
    await assert.rejects(readIdentityFile(join(folder, 'dir')), { code: 'file-missing', message: /cannot be read/ });
    await assert.rejects(readIdentityFile(join(folder, 'none')), { code: 'file-missing', message: /does not exist/ });
  });

  it('is told apart where others may read it', async () => {
    await writeFile(path(), right);
    for (const [mode, open] of [[0o600, false], [0o400, false], [0o644, true], [0o640, true]] as const) {
      await chmod(path(), mode);
      assert.equal(await isOpenToOthers(path()), open, mode.toString(8));
    }
  });
});
