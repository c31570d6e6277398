import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answers, nameOf } from './balancer.ts';
import { parseLook } from './look-at-balancers.ts';

const header = '# pxname,svname,scur,status,weight,type,check_status,';
const row = (proxy: string, server: string, status: string, { weight = 100, sessions = 0, check = 'L7OK' } = {}) => `${proxy},${server},${sessions},${status},${weight},2,${check},`;
const answer = (api: readonly string[], services: readonly string[], byHand?: unknown) =>
  [
    ...[header, ...api].map((line) => `api\t${line}`),
    ...(services.length === 0 ? [] : [header, ...services].map((line) => `services\t${line}`)),
    ...(byHand === undefined ? [] : [`by-hand\t${Buffer.from(typeof byHand === 'string' ? byHand : JSON.stringify(byHand)).toString('base64')}`]),
    'end',
    '',
  ].join('\n');
const seen = (output: string) => {
  const balancer = parseLook('lb1', output);
  assert.ok(answers(balancer));
  return balancer.servers.map(({ condition, wish, ...one }) => [nameOf(one), condition, wish]);
};

const twins = (cp1: string, cp2: string) => [row('api', 'cp1', cp1), row('api', 'cp2', cp2), row('api', 'cp1-unchecked', 'no check'), row('api', 'cp2-unchecked', 'no check')];
const cases: readonly (readonly [title: string, output: string, servers: readonly unknown[]])[] = [
  ['an API server is one, whatever helps HAProxy with it', answer([...twins('UP', 'UP 1/2'), row('api-ready', 'cp1', 'UP'), row('api-ready', 'cp2', 'UP')], []), [['api/cp1', 'up', undefined], ['api/cp2', 'up', undefined]]],
  ['one that is not ready is drained, and nobody wanted it', answer([...twins('DRAIN', 'UP'), row('api-ready', 'cp1', 'DOWN'), row('api-ready', 'cp2', 'UP')], []), [['api/cp1', 'drain', undefined], ['api/cp2', 'up', undefined]]],
  ['one that was drained by hand says so', answer([...twins('DRAIN', 'DOWN 1/2'), row('api-ready', 'cp1', 'DRAIN'), row('api-ready', 'cp2', 'DOWN')], []), [['api/cp1', 'drain', { state: 'drain' }], ['api/cp2', 'down', undefined]]],
  ['maintenance is what it is called where its connections were closed', answer([...twins('DRAIN', 'UP'), row('api-ready', 'cp1', 'MAINT'), row('api-ready', 'cp2', 'MAINT')], []), [['api/cp1', 'maint', { state: 'maint' }], ['api/cp2', 'up', { state: 'maint' }]]],
  ['an API server whose weight is by hand says so', answer([...twins('UP', 'UP'), row('api-ready', 'cp1', 'UP'), row('api-ready', 'cp2', 'DRAIN')], [], { 'api/cp1': { weight: 30 }, 'api/cp2': { weight: 30 } }), [['api/cp1', 'up', { weight: 30 }], ['api/cp2', 'up', { state: 'drain' }]]],
  ['the nodes of a service are called as in the cluster file, with what was wanted by hand', answer([], [row('service-shop', 'w1', 'DRAIN'), row('service-shop', 'w2', 'UP'), row('stats', 'x', 'UP')], { 'shop/w1': { state: 'drain' }, 'shop/w2': { weight: 40 } }), [['shop/w1', 'drain', { state: 'drain' }], ['shop/w2', 'up', { weight: 40 }]]],
];
for (const [title, output, servers] of cases) test(title, () => assert.deepEqual(seen(output), servers));

test('a balancer whose HAProxy does not answer is told apart from one without servers', () => {
  assert.deepEqual(parseLook('lb1', 'end\n'), { host: 'lb1', reason: 'HAProxy does not answer there' });
});

test('an answer that was cut short, and wishes that nobody wrote, are refused', () => {
  assert.throws(() => parseLook('lb1', 'api\t# pxname\n'), /cut short/);
  for (const broken of ['{', '[1]', '{"shop/w1":{"state":"ready"}}', '{"shop/w1":{"weight":0}}', '{"shop/w1":{"state":"drain","weight":5}}']) assert.throws(() => parseLook('lb1', answer([], [], broken)), /by-hand\.json cannot be read/, broken);
});
