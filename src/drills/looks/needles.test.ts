import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { hintsOf, needleLength, needlesOf, seenIn } from './needles.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pemOf = ({ privateKey }: typeof ec) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicOf = ({ publicKey }: typeof ec) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const token = randomBytes(32).toString('base64');
const needles = [...needlesOf('ec', pemOf(ec)), ...needlesOf('rsa', pemOf(rsa)), ...needlesOf('token', token)];

describe('needles', () => {
  const shown: readonly (readonly [title: string, text: string, names: readonly string[]])[] = [
    ['a key in an error', `error: cannot parse ${pemOf(ec)}`, ['ec']],
    ['a key in one line of JSON', JSON.stringify({ key: pemOf(rsa) }), ['rsa']],
    ['a token between other words', `curl -H "Authorization: ${token}"`, ['token']],
    ['a script that carries the file in base64', Buffer.from(pemOf(rsa)).toString('base64'), ['rsa']],
    ['the same behind one byte', Buffer.from(`x${pemOf(ec)}`).toString('base64'), ['ec']],
    ['the same behind two', Buffer.from(`xy${token}`).toString('base64'), ['token']],
    ['both', `${pemOf(ec)}${token}`, ['ec', 'token']],
    ['other keys', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })) + pemOf(generateKeyPairSync('rsa', { modulusLength: 2048 })), []],
    ['the public parts', publicOf(ec) + publicOf(rsa) + Buffer.from(publicOf(rsa)).toString('base64'), []],
  ];
  for (const [title, text, names] of shown) it(`are ${names.length === 0 ? 'not ' : ''}seen in ${title}`, () => assert.deepEqual(seenIn(text, needles), names));

  it('of a key lie in its private part, at whatever byte the public part begins', () => {
    for (const one of [ec, rsa]) {
      const der = (key: typeof ec.publicKey, type: 'spki' | 'pkcs8') => key.export({ type, format: 'der' } as never) as unknown as Buffer;
      const publicPart = der(one.publicKey, 'spki').subarray(26);
      const plain = needlesOf('key', pemOf(one))[0]!.text;
      for (const shift of [0, 1, 2]) assert.ok(!publicPart.subarray(shift).toString('base64').includes(plain));
    }
  });

  it('are hinted at by a few characters each', () => {
    const hints = hintsOf(needles);
    assert.equal(hints.length, needles.length);
    assert.ok(hints.every((hint, position) => hint.length * 4 === needleLength && needles[position]!.text.startsWith(hint)));
  });
});
