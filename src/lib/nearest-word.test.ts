import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nearestWord } from './nearest-word.ts';

const fields = ['name', 'address', 'roles', 'interface', 'ssh', 'heartbeatInterval'];

for (const [word, expected] of [['adress', 'address'], ['rolse', 'roles'], ['nmae', 'name'], ['heartbeat_interval', 'heartbeatInterval'], ['Name', 'name'], ['shs', 'ssh'], ['vip', undefined], ['networks', undefined], ['x'.repeat(1000), undefined]] as const) {
  it(`${word.slice(0, 20)} is taken for ${expected ?? 'nothing'}`, () => assert.equal(nearestWord(word, fields), expected));
}
