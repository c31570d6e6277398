import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostSpec, Role } from './cluster.ts';
import { describeHosts, describeWorkers, nameTopology, survives, topologies } from './topologies.ts';

const ssh = { address: 'x', port: 22, user: 'root' };
const hosts = (described: readonly { readonly name: string; readonly roles: readonly Role[] }[]): readonly HostSpec[] => described.map((one) => ({ ...one, address: '10.0.0.1', ssh }));
/** "cp1:ecl lb1:l" → hosts with roles by their first letters. */
const shape = (text: string): readonly HostSpec[] =>
  hosts(text.split(' ').map((word) => {
    const [name = '', letters = ''] = word.split(':');
    const roles = { e: 'etcd', c: 'control-plane', l: 'load-balancer' } as const;
    return { name, roles: letters.split('').map((letter) => roles[letter as keyof typeof roles]) };
  }));

describe('a topology', () => {
  const expected = { T1: 'nothing: without cp1 there is no etcd majority, no API server and no load balancer', T3: 'any one host', T3L: 'any one host', T3E: 'any one host', T5: 'any two hosts' };
  for (const topology of topologies) {
    it(`${topology} survives the loss of ${expected[topology]}`, () => {
      assert.equal(survives({ hosts: hosts(describeHosts(topology)) }), expected[topology]);
    });
  }

  it('is told by the roles of the hosts, whatever their names and order', () => {
    for (const topology of topologies) assert.equal(nameTopology({ hosts: hosts(describeHosts(topology)).toReversed() }), topology);
    assert.equal(nameTopology({ hosts: shape('a:ecl b:e c:e d:cl') }), '4 hosts');
    assert.equal(nameTopology({ hosts: hosts([...describeWorkers(2), ...describeHosts('T3')]) }), 'T3 with 2 workers');
  });

  it('has the hosts that its name stands for', () => {
    assert.deepEqual(topologies.map((topology) => describeHosts(topology).map(({ name }) => name).join(' ')), ['cp1', 'cp1 cp2 cp3', 'cp1 cp2 cp3 lb1 lb2', 'etcd1 etcd2 etcd3 cp1 cp2', 'cp1 cp2 cp3 cp4 cp5']);
    assert.deepEqual(describeHosts('T3E').at(-1), { name: 'cp2', roles: ['control-plane', 'load-balancer'] });
    assert.deepEqual(describeHosts('T3L')[0], { name: 'cp1', roles: ['etcd', 'control-plane'] });
  });
});

describe('what a cluster survives', () => {
  const cases: readonly (readonly [shape: string, expected: string])[] = [
    ['a:ecl b:ecl', 'nothing: without a or b there is no etcd majority'],
    ['a:ecl b:ecl c:ecl d:ecl', 'any one host'],
    ['a:ecl b:ec c:ec', 'nothing: without a there is no load balancer'],
    ['a:e b:e c:e d:c e:l', 'nothing: without d there is no API server; without e there is no load balancer'],
    ['a:ec b:ecl c:el', 'any one host'],
    ['a:e b:e c:e d:cl', 'nothing: without d there is no API server and no load balancer'],
    ['a:ecl b:ecl c:ecl d:ecl e:ec', 'any two hosts'],
    ['a:ecl b:ecl c:ecl d:ecl e:ecl f:ecl g:ecl', 'any three hosts'],
    ['a:cl b:cl', 'nothing: there is no etcd majority'],
    ['a:e', 'nothing: there is no API server and no load balancer'],
  ];
  for (const [text, expected] of cases) it(`${text}: ${expected}`, () => assert.equal(survives({ hosts: shape(text) }), expected));

  it('is what trying every loss shows', () => {
    const words = ['nothing', 'any one host', 'any two hosts', 'any three hosts'];
    for (const text of [...cases.map(([one]) => one), 'a:ec b:ec c:ecl d:l', 'a:ec b:e c:e d:cl e:l', 'a:ecl b:ec c:ec d:ecl e:e']) {
      const all = shape(text);
      assert.equal(survives({ hosts: all }).split(':')[0], words[largestSurvivedLoss(all)], text);
    }
  });
});

/** The largest n so that the API is there after the loss of any n hosts, found by trying. */
function largestSurvivedLoss(all: readonly HostSpec[]): number {
  const members = all.filter(({ roles }) => roles.includes('etcd')).length;
  const works = (left: readonly HostSpec[]) => {
    const having = (role: Role) => left.filter(({ roles }) => roles.includes(role)).length;
    return having('etcd') * 2 > members && having('control-plane') > 0 && having('load-balancer') > 0;
  };
  const survived = Array.from({ length: all.length + 1 }, () => true);
  for (let lost = 0; lost < 2 ** all.length; lost++) {
    const left = all.filter((_, position) => (lost & (1 << position)) === 0);
    if (!works(left)) survived[all.length - left.length] = false;
  }
  return Math.max(0, survived.indexOf(false) - 1);
}
