import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { steer, undo, type Known, type Server, type SteeredService, type Wish } from './steer.ts';

const server = (name: string, changes: Partial<Server> = {}): Server => ({ backend: 'service-shop', server: name, address: `10.0.0.${name === 'w1' ? 21 : 22}`, port: 30443, checkPort: 0, weight: 100, state: 'ready', up: true, ...changes });
const shop: SteeredService = { name: 'shop', backend: 'service-shop', load: true, states: true };
const known = (changes: Partial<Known> = {}): Known => ({ services: [shop], loads: new Map(), cordoned: new Set(), ports: new Map(), byHand: {}, ...changes });
const hand = (wish: Wish) => ({ 'shop/w1': wish });

describe('what HAProxy is told', () => {
  const burnt = new Map([['w1', 100], ['w2', 30]]);
  const cases: readonly (readonly [title: string, servers: readonly Server[], known: Known, ...commands: readonly string[]])[] = [
    ['is nothing where all is as it should be', [server('w1'), server('w2')], known()],
    ['is the weight of a node that is too busy', [server('w1'), server('w2')], known({ loads: burnt }), 'set server service-shop/w1 weight 50%'],
    ['goes on from the weight that HAProxy has', [server('w1', { weight: 40 }), server('w2')], known({ loads: burnt }), 'set server service-shop/w1 weight 20%'],
    ['is no weight where the service does not follow the load', [server('w1'), server('w2')], known({ loads: burnt, services: [{ ...shop, load: false }] })],
    ['puts a weight back that somebody has set past everything', [server('w1', { weight: 7 })], known({ services: [{ ...shop, load: false }] }), 'set server service-shop/w1 weight 100%'],
    ['drains a node that is cordoned', [server('w1'), server('w2')], known({ cordoned: new Set(['w1']) }), 'set server service-shop/w1 state drain'],
    ['is nothing where it is drained already', [server('w1', { state: 'drain' }), server('w2')], known({ cordoned: new Set(['w1']) })],
    ['leaves a node that is cordoned where no other is up', [server('w1'), server('w2', { up: false })], known({ cordoned: new Set(['w1']) })],
    ['leaves all where all are cordoned', [server('w1'), server('w2')], known({ cordoned: new Set(['w1', 'w2']) })],
    ['leaves a node that is cordoned where the other is out by hand', [server('w1'), server('w2', { state: 'maint' })], known({ cordoned: new Set(['w1']), byHand: { 'shop/w2': { state: 'maint' } } })],
    ['takes a node back that is cordoned, when the last other one has gone', [server('w1', { state: 'drain' }), server('w2', { up: false })], known({ cordoned: new Set(['w1']) }), 'set server service-shop/w1 state ready'],
    ['takes back a node that is not cordoned any more', [server('w1', { state: 'drain' })], known(), 'set server service-shop/w1 state ready'],
    ['is nothing of states before the API was asked', [server('w1', { state: 'drain' }), server('w2', { weight: 90 })], known({ cordoned: undefined }), 'set server service-shop/w2 weight 100%'],
    ['is what is by hand also then', [server('w1')], known({ cordoned: undefined, byHand: hand({ state: 'maint' }) }), 'set server service-shop/w1 state maint'],
    ['leaves in maintenance what is there by hand', [server('w1', { state: 'maint' })], known({ byHand: hand({ state: 'maint' }) })],
    ['puts what is by hand before what the node is', [server('w1')], known({ cordoned: new Set(['w1']), byHand: hand({ state: 'maint' }) }), 'set server service-shop/w1 state maint'],
    ['sets again by hand what a restart of HAProxy has forgotten', [server('w1'), server('w2')], known({ byHand: { 'shop/w1': { weight: 30 }, 'shop/w2': { state: 'drain' } } }), 'set server service-shop/w1 weight 30%', 'set server service-shop/w2 state drain'],
    ['leaves a weight by hand to the hand', [server('w1', { weight: 30 }), server('w2')], known({ loads: burnt, byHand: hand({ weight: 30 }) })],
    ['is the new node port, at the same address', [server('w1'), server('w2', { port: 31000 })], known({ ports: new Map([['shop', { nodePort: 31000 }]]) }), 'set server service-shop/w1 addr 10.0.0.21 port 31000'],
    ['is nothing for a server whose node port nobody knows', [server('w1', { port: 1, state: 'maint' })], known()],
    ['takes it in when the port is known', [server('w1', { port: 1, state: 'maint' })], known({ ports: new Map([['shop', { nodePort: 30443 }]]) }), 'set server service-shop/w1 addr 10.0.0.21 port 30443', 'set server service-shop/w1 state ready'],
    ['is the new port of the health check beside the new node port', [server('w1', { checkPort: 32000 }), server('w2', { port: 31000, checkPort: 32025 })], known({ ports: new Map([['shop', { nodePort: 31000, health: 32025 }]]) }), 'set server service-shop/w1 addr 10.0.0.21 port 31000', 'set server service-shop/w1 check-port 32025'],
    ['leaves the port of a health check of which nothing is known', [server('w1', { checkPort: 32000 })], known({ ports: new Map([['shop', { nodePort: 30443 }]]) })],
    ['is nothing for a server whose health check nobody knows', [server('w1', { checkPort: 1, state: 'maint' })], known({ ports: new Map([['shop', { nodePort: 31000 }]]) })],
    ['takes it in when the health check is known', [server('w1', { port: 1, checkPort: 1, state: 'maint' })], known({ ports: new Map([['shop', { nodePort: 30443, health: 32025 }]]) }), 'set server service-shop/w1 addr 10.0.0.21 port 30443', 'set server service-shop/w1 check-port 32025', 'set server service-shop/w1 state ready'],
    ['concerns no server of somebody else', [server('w1', { backend: 'service-mail', state: 'drain' })], known()],
  ];
  for (const [title, servers, all, ...commands] of cases) it(title, () => assert.deepEqual(steer(servers, all).map(({ command }) => command), commands));

  it('is said with its reason', () => {
    const reasons = steer([server('w1'), server('w2')], known({ loads: burnt, cordoned: new Set(['w2']) })).map(({ reason }) => reason);
    assert.deepEqual(reasons, ['shop/w1: weight 50 %, load 100 %', 'shop/w2: drain, the node is cordoned']);
  });
});

describe('API servers, whose states are decided by their HAProxy', () => {
  const api = { services: [{ name: 'api', backend: 'api', load: true, states: false }] };
  const of = (name: string, changes: Partial<Server> = {}) => server(name, { backend: 'api', port: 6443, ...changes });
  const servers = [of('w1', { state: 'drain', weight: 80 }), of('w2', { state: 'maint' }), of('w1-unchecked')];

  it('get weights, and no state', () => {
    const cordoned = new Set(['w1', 'w2']);
    assert.deepEqual(steer(servers, known({ ...api, cordoned, loads: new Map([['w1', 100], ['w2', 0]]) })).map(({ command }) => command), ['set server api/w1 weight 40%']);
    assert.deepEqual(undo(servers, known({ ...api, cordoned })), ['w1', 'w2'].map((name) => `set server api/${name} weight 100%`));
  });

  it('have the weight that somebody wants', () => {
    const byHand = { 'api/w1': { weight: 20 } };
    assert.deepEqual(steer(servers, known({ ...api, byHand })).map(({ command, reason }) => [command, reason]), [['set server api/w1 weight 20%', 'api/w1: weight 20 %, by hand']]);
    assert.deepEqual(undo([of('w1')], known({ ...api, byHand })), []);
  });
});

describe('what takes the steering back', () => {
  it('gives whole weights and ends what it drained, and leaves what is by hand', () => {
    const servers = [server('w1'), server('w2')];
    assert.deepEqual(undo(servers, known({ cordoned: new Set(['w1', 'w2']), byHand: hand({ state: 'drain' }) })), ['set server service-shop/w1 weight 100%', 'set server service-shop/w2 weight 100%', 'set server service-shop/w2 state ready']);
    assert.deepEqual(undo(servers, known({ byHand: hand({ weight: 5 }) })), ['set server service-shop/w2 weight 100%']);
    assert.deepEqual(undo(servers, known({ services: [{ ...shop, load: false }] })), []);
  });

  it('ends what is drained still while its node is open again', () => {
    assert.deepEqual(undo([server('w1', { state: 'drain' })], known({ services: [{ ...shop, load: false }] })), ['set server service-shop/w1 state ready']);
  });
});
