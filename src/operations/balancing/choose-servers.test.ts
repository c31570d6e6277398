import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cluster } from '../../../test/support/example-cluster.ts';
import { seenBalancer } from '../../../test/support/seen-balancer.ts';
import { nameOf, type ServerCondition } from './balancer.ts';
import { chooseServers, refuseLast, refuseSenseless, type Change } from './choose-servers.ts';

const target = (name: string) => ({ service: name.split('/')[0]!, server: name.split('/')[1]! });
const balancers = [seenBalancer('lb1', { 'api/cp1': 'up', 'shop/w1': 'up', 'shop/w2': 'up', 'mail/w1': 'up' }), { host: 'lb2', reason: 'gone' }, seenBalancer('lb3', { 'shop/w3': 'up' })];

test('a node means it in every service, and a server that is meant twice is one', () => {
  assert.deepEqual(chooseServers(balancers, ['w1', 'shop/w1', 'shop/w3']).map(nameOf), ['shop/w1', 'mail/w1', 'shop/w3']);
});

for (const [word, hint] of [['shop/w4', /Did you mean shop\/w1\?/], ['shp/w1', /Did you mean shop\/w1\?/], ['frontend', /There are api\/cp1, shop\/w1/]] as const) {
  test(`a server that no balancer has is refused with what was likely meant: ${word}`, () => {
    assert.throws(() => chooseServers(balancers, [word]), { code: 'usage', message: `no load balancer has a server ${word}`, hint });
  });
}

test('API servers have no weights, unless they follow the load', () => {
  assert.throws(() => refuseSenseless(cluster, [target('shop/w1'), target('api/cp1')], { weight: 50 }), { code: 'usage' });
  refuseSenseless({ endpoint: { ...cluster.endpoint, load: true } }, [target('api/cp1')], { weight: 50 });
  refuseSenseless(cluster, [target('shop/w1')], { weight: 50 });
  refuseSenseless(cluster, [target('api/cp1')], 'drain');
});

const one = (w1: ServerCondition, w2: ServerCondition) => seenBalancer('lb1', { 'shop/w1': w1, 'shop/w2': w2, 'mail/w3': 'up' });
const lasts: readonly (readonly [title: string, seen: ReturnType<typeof one>, names: readonly string[], change: Change, isRefused: boolean])[] = [
  ['one of two goes', one('up', 'up'), ['shop/w1'], 'drain', false],
  ['both do not go together', one('up', 'up'), ['shop/w1', 'shop/w2'], 'drain', true],
  ['the only one that is up stays', one('up', 'down'), ['shop/w1'], 'drain', true],
  ['nor is it put into maintenance', one('up', 'drain'), ['shop/w1'], 'maint', true],
  ['the one that is down may go', one('up', 'down'), ['shop/w2'], 'maint', false],
  ['where none is up nothing is lost', one('down', 'down'), ['shop/w1', 'shop/w2'], 'drain', false],
  ['another service is no help', one('up', 'maint'), ['shop/w1'], 'drain', true],
  ['what comes back takes nothing away', one('up', 'down'), ['shop/w1'], 'ready', false],
  ['nor does a weight', one('up', 'down'), ['shop/w1'], { weight: 1 }, false],
];
for (const [title, seen, names, change, isRefused] of lasts) {
  test(`the last server of a service is not taken out unasked: ${title}`, () => {
    // The other balancer could spare it.
    const refuse = () => refuseLast([seenBalancer('lb0', { 'shop/w1': 'up', 'shop/w2': 'up', 'shop/w9': 'up' }), seen], names.map(target), change);
    if (isRefused) assert.throws(refuse, { code: 'needs-confirmation', message: /on lb1 no other server of shop is up/ });
    else refuse();
  });
}
