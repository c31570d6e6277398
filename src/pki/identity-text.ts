import { notAnIdentity } from '../lib/age.ts';
import { KubekeepError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';

/**
 * The one identity in the text of a file, as age and kubekeep write it: comments, and a line that starts with AGE-SECRET-KEY-1. Throws `identity-missing`, saying what the text is instead and showing
 * none of it. `where` names the file.
 */
export function identityIn(text: string, where: string): Secret {
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  const found = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-1'));
  if (found.length === 1) return new Secret(found[0]!);
  if (found.length > 1) throw refused(`${where} has ${found.length} identities, and which one is meant decides for whom keys are sealed`, 'Put the one that is meant into a file of its own.');
  if (lines.length === 0) throw refused(`${where} is empty: there is no identity in it`, 'Give the file that starts with AGE-SECRET-KEY-1.');
  if (text.startsWith('age-encryption.org/') || lines[0]!.startsWith('-----BEGIN AGE ENCRYPTED FILE-----')) {
    throw refused(`${where} is encrypted itself, with a passphrase or for another identity`, `Decrypt it first, into memory where possible: age --decrypt ${where} > /dev/shm/identity`);
  }
  if (lines.some((line) => line.startsWith('age1'))) throw refused(`${where} holds a recipient (age1…), which can only encrypt`, 'The identity that belongs to it starts with AGE-SECRET-KEY-1, and was made together with it.');
  if (lines.some((line) => line.startsWith('AGE-PLUGIN-'))) throw refused(`${where} holds an identity of a plugin of age, which kubekeep does not know`, 'Give an identity that starts with AGE-SECRET-KEY-1.');
  throw notAnIdentity();
}

function refused(message: string, hint: string): KubekeepError {
  return new KubekeepError('identity-missing', message, { hint });
}
