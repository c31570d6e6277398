import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seenBalancer } from '../../../test/support/seen-balancer.ts';
import { byHandText, type ByHand } from './by-hand.ts';
import { changeScript, withWishes } from './change-script.ts';
import type { Change } from './choose-servers.ts';

const api = '/run/kubekeep-haproxy/admin.sock';
const services = '/run/kubekeep-services/haproxy.sock';
const w1 = { service: 'shop', server: 'w1' };
const cp1 = { service: 'api', server: 'cp1' };
const balancer = seenBalancer('lb1', { 'api/cp1': 'up', 'api/cp2': 'up', 'shop/w1': 'up', 'shop/w2': 'up' }, { 'shop/w2': { weight: 30 } });
const linesFor = (targets: readonly { service: string; server: string }[], change: Change) => changeScript(balancer, { targets, change, token: 'abc' }).split('\n').filter((line) => /^(tell |sleep )/.test(line));

const cases: readonly (readonly [title: string, target: typeof w1, change: Change, lines: readonly string[]])[] = [
  ['drain a node', w1, 'drain', [`tell ${services} 'set server service-shop/w1 state drain'`]],
  ['a node into maintenance', w1, 'maint', [`tell ${services} 'set server service-shop/w1 state maint'`, `tell ${services} 'shutdown sessions server service-shop/w1'`]],
  ['a node back', w1, 'ready', [`tell ${services} 'set server service-shop/w1 weight 100%'`, `tell ${services} 'set server service-shop/w1 state ready'`]],
  ['a weight', w1, { weight: 40 }, [`tell ${services} 'set server service-shop/w1 weight 40%'`, `tell ${services} 'set server service-shop/w1 state ready'`]],
  ['an API server is drained where the Lua task looks, which then agrees', cp1, 'drain', [`tell ${api} 'set server api-ready/cp1 state drain'`]],
  ['an API server loses its connections after the Lua task has taken it out', cp1, 'maint', [`tell ${api} 'set server api-ready/cp1 state maint'`, 'sleep 0.4', `tell ${api} 'shutdown sessions server api/cp1'`]],
  ['an API server back', cp1, 'ready', [`tell ${api} 'set server api/cp1 weight 100%'`, `tell ${api} 'set server api-ready/cp1 state ready'`]],
  ['the weight of an API server', cp1, { weight: 40 }, [`tell ${api} 'set server api/cp1 weight 40%'`, `tell ${api} 'set server api-ready/cp1 state ready'`]],
];
for (const [title, target, change, lines] of cases) test(`HAProxy is told: ${title}`, () => assert.deepEqual(linesFor([target], change), lines));

test('a balancer is not told of a server that it does not have', () => {
  assert.deepEqual(linesFor([{ service: 'shop', server: 'w9' }, { service: 'api', server: 'cp9' }], 'drain'), []);
});

test('the lock is asked for first, and what is wanted is kept before HAProxy is told', () => {
  const script = changeScript(balancer, { targets: [w1], change: 'drain', token: 'abc' });
  const [guard, file, told] = ['^abc', '/var/lib/kubekeep/services/by-hand.json', 'set server'].map((word) => script.indexOf(word));
  assert.ok(guard! >= 0 && guard! < file! && file! < told!, script);
  assert.ok(script.includes(Buffer.from(byHandText({ 'shop/w1': { state: 'drain' }, 'shop/w2': { weight: 30 } })).toString('base64')));
});

test('a wish takes the place of the one before, ready takes it back, and the others stay, but for servers that are gone', () => {
  const others = { 'shop/w2': { weight: 30 } };
  const after = (before: ByHand, change: Change) => withWishes({ ...others, ...before, 'old/w1': { state: 'drain' } }, { targets: [w1], change, known: new Set(['shop/w1', 'shop/w2']) });
  assert.deepEqual(after({ 'shop/w1': { weight: 5 } }, 'maint'), { ...others, 'shop/w1': { state: 'maint' } });
  assert.deepEqual(after({ 'shop/w1': { state: 'drain' } }, { weight: 5 }), { ...others, 'shop/w1': { weight: 5 } });
  assert.deepEqual(after({ 'shop/w1': { state: 'drain' } }, 'ready'), others);
});

test('of API servers a weight is kept, and no state; wishes of a HAProxy that did not answer stay', () => {
  const after = (change: Change) => withWishes({ 'api/cp1': { weight: 30 }, 'api/cp9': { weight: 30 }, 'shop/w1': { weight: 5 } }, { targets: [cp1], change, known: new Set(['api/cp1']) });
  const others = { 'shop/w1': { weight: 5 } };
  assert.deepEqual(after({ weight: 20 }), { ...others, 'api/cp1': { weight: 20 } });
  for (const change of ['drain', 'maint', 'ready'] as const) assert.deepEqual(after(change), others);
});
