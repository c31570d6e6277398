import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seenBalancer } from '../../test/support/seen-balancer.ts';
import { compareBalancers } from '../operations/balancing/compare-balancers.ts';
import { describeBalancing } from './describe-balancing.ts';

const show = (...balancers: Parameters<typeof compareBalancers>[0]) => {
  const balancing = compareBalancers(balancers);
  return { good: balancing.good, lines: describeBalancing(balancing).split('\n') };
};

test('servers that all balancers treat alike take one word', () => {
  const servers = { 'api/cp1': 'up', 'shop/w1': 'drain', 'shop/w2': 'up' } as const;
  const drained = { 'shop/w1': { state: 'drain' }, 'shop/w2': { weight: 100 } } as const;
  assert.deepEqual(show(seenBalancer('lb1', servers, drained), seenBalancer('lb2', servers, drained)), {
    good: true,
    lines: [
      'SERVICE  SERVER  STATE            WEIGHT  CONNECTIONS  CHECK',
      'api      cp1     up               100%    4            L7OK',
      'shop     w1      drained by hand  100%    4            L7OK',
      'shop     w2      up by hand       100%    4            L7OK',
    ],
  });
});

const bad: readonly (readonly [title: string, balancers: Parameters<typeof compareBalancers>[0], line: RegExp])[] = [
  ['balancers that differ', [seenBalancer('lb1', { 'shop/w1': 'up', 'shop/w2': 'up' }), seenBalancer('lb2', { 'shop/w1': 'down', 'shop/w2': 'up' })], /w1 +up on lb1, down on lb2 /],
  ['a server that one does not have', [seenBalancer('lb1', { 'shop/w1': 'up', 'shop/w2': 'up' }), seenBalancer('lb2', { 'shop/w2': 'up' })], /w1 +up on lb1, missing on lb2 /],
  ['one that was not told by hand what the other was', [seenBalancer('lb1', { 'shop/w1': 'drain', 'shop/w2': 'up' }, { 'shop/w1': { state: 'drain' } }), seenBalancer('lb2', { 'shop/w1': 'drain', 'shop/w2': 'up' })], /drained by hand on lb1, drained on lb2 /],
  ['a wish that is not carried out', [seenBalancer('lb1', { 'shop/w1': 'up' }, { 'shop/w1': { state: 'maint' } }), seenBalancer('lb2', { 'shop/w1': 'up' })], /up, by hand: maint on lb1, up on lb2 /],
  ['a wish that no balancer carries out any more', ['lb1', 'lb2'].map((host) => seenBalancer(host, { 'shop/w1': 'up', 'shop/w2': 'up' }, { 'shop/w1': { state: 'maint' } })), /^shop\/w1: maint by hand does not hold on lb1 and lb2, as after a restart of HAProxy\. kubekeep lb maint shop\/w1 tells it again\.$/],
  ['a weight that is larger again than it was told', [seenBalancer('lb1', { 'shop/w1': 'up' }, { 'shop/w1': { weight: 20 } })], /^shop\/w1: 20% by hand does not hold on lb1, .* kubekeep lb weight shop\/w1 20% tells it again\.$/],
  ['a server in maintenance that is only drained', [seenBalancer('lb1', { 'shop/w1': 'drain', 'shop/w2': 'up' }, { 'shop/w1': { state: 'maint' } })], /^shop\/w1: maint by hand does not hold on lb1/],
  ['a balancer that does not answer', [seenBalancer('lb1', { 'shop/w1': 'up' }), { host: 'lb2', reason: 'no route' }], /^lb2 was left out: no route$/],
  ['a service without a server', [seenBalancer('lb1', { 'shop/w1': 'down', 'shop/w2': 'maint', 'api/cp1': 'up' })], /w1 +down /],
];
for (const [title, balancers, line] of bad) {
  test(`is not good, and shown: ${title}`, () => {
    const { good, lines } = show(...balancers);
    assert.equal(good, false);
    assert.ok(lines.some((one) => line.test(`${one} `) || line.test(one)), lines.join('\n'));
  });
}

test('is good where a server is further out than it was told, and where the last API servers go on serving', () => {
  const servers = { 'api/cp1': 'up', 'shop/w1': 'down', 'shop/w2': 'maint', 'shop/w3': 'up', 'shop/w4': 'drain' } as const;
  const { good, lines } = show(seenBalancer('lb1', servers, { 'api/cp1': { state: 'drain' }, 'shop/w1': { state: 'drain' }, 'shop/w2': { state: 'drain' }, 'shop/w4': { weight: 20 } }));
  assert.deepEqual([good, lines.length], [true, 6]);
});
