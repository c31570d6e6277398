import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { canariesOf, seenIn } from './canaries.ts';

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const token = randomBytes(32).toString('base64');
const canaries = [...canariesOf('key', pem), ...canariesOf('token', token)];

describe('canaries', () => {
  const shown: readonly (readonly [title: string, text: string, names: readonly string[]])[] = [
    ['a line of a key', `error: cannot parse ${pem.split('\n')[1]}`, ['key']],
    ['the last whole line of a key alone', pem.trim().split('\n').filter((line) => line.length === 64).at(-1)!, ['key']],
    ['a token between other words', `curl -H "Authorization: ${token}"`, ['token']],
    ['a script that carries the file in base64', `base64 -d <<END\n${Buffer.from(pem).toString('base64')}\nEND`, ['key']],
    ['the same behind other bytes', Buffer.from(`x${pem}`).toString('base64'), ['key']],
    ['the same behind two other bytes', Buffer.from(`xy${pem}`).toString('base64'), ['key']],
    ['both', `${pem}${token}`, ['key', 'token']],
    ['another key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), []],
    ['the frame of a key', '-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----', []],
  ];
  for (const [title, text, names] of shown) it(`sees ${names.join(' and ') || 'nothing'} in ${title}`, () => assert.deepEqual(seenIn(text, canaries), names));
});
