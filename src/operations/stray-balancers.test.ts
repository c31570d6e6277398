import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { builtCluster, withHost, withoutHost, type SeenCluster } from '../../test/support/seen-cluster.ts';
import type { Operation } from './operation.ts';
import { answersScript, refuseStrayBalancers, strayBalancers } from './stray-balancers.ts';

const built = await builtCluster('T3');
const addressOf = new Map(built.cluster.hosts.map(({ name, address }) => [name, address]));
/** All of them share the VIP, as keepalived was told. */
const sharing = ['cp1', 'cp2', 'cp3'].reduce((seen, name) => withHost(seen, name, () => ({ balancerPeers: [...addressOf].filter(([other]) => other !== name).map(([, address]) => address) })), built);
const inFile = ({ facts }: SeenCluster, ...names: string[]): SeenCluster => ({ cluster: { ...built.cluster, hosts: built.cluster.hosts.filter(({ name }) => names.includes(name)) }, facts: { ...facts, hosts: new Map([...facts.hosts].filter(([name]) => names.includes(name))) } });
const withoutRole = (seen: SeenCluster) => ({ ...seen, cluster: { ...seen.cluster, hosts: seen.cluster.hosts.map((host) => (host.name === 'cp3' ? { ...host, roles: ['etcd', 'control-plane'] as const } : host)) } });
const judge = ({ cluster, facts }: SeenCluster) => strayBalancers(cluster, facts).map(({ address, knownBy }) => `${address} of ${knownBy.join(' ')}`);

describe('a balancer that shares the VIP and is in the cluster file no more', () => {
  const cases: readonly (readonly [title: string, seen: SeenCluster, expected: readonly string[]])[] = [
    ['where all are in the file there is none', sharing, []],
    ['one that was taken out is', inFile(sharing, 'cp1', 'cp2'), ['10.0.0.13 of cp1 cp2']],
    ['one without the role that answers is told so itself', withoutRole(sharing), []],
    ['one without the role that is away is', withoutRole(withoutHost(sharing, 'cp3')), ['10.0.0.13 of cp1 cp2']],
    ['one that keeps the role and is away is none', withoutHost(sharing, 'cp3'), []],
    ['one that is at another address now has the old one no more', { ...sharing, cluster: { ...sharing.cluster, hosts: sharing.cluster.hosts.map((host) => (host.name === 'cp3' ? { ...host, address: '10.0.0.33' } : host)) } }, []],
    ['hosts of before keepalived tell nothing', built, []],
  ];
  for (const [title, seen, expected] of cases) test(title, () => assert.deepEqual(judge(seen), expected));

  const begin = (answer: string) => {
    const run = async () => ({ host: 'cp1', exitCode: 0, stdout: answer, stderr: '', duration: 0, timedOut: false });
    const { cluster, facts } = inFile(sharing, 'cp1', 'cp2');
    return refuseStrayBalancers({ cluster, hosts: new Map([['cp1', { run }]]), signal: new AbortController().signal } as unknown as Operation, facts);
  };
  test('is refused while it answers, with the ways out', async () => {
    await assert.rejects(begin('answers\n'), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'unsupported-change');
      assert.match(error.message, /^10\.0\.0\.13 was a load balancer, answers/);
      assert.match(error.hint, /another role.*switch it off.*unicast_peer in \/etc\/kubekeep\/keepalived\.conf on cp1, cp2/);
      return true;
    });
  });
  test('is a warning when it is off', async () => assert.match((await begin('')).join(), /^10\.0\.0\.13 was a load balancer and does not answer/));
});

test('a machine that refuses a connection answers', () => {
  assert.equal(execFileSync('sh', ['-c', answersScript('127.0.0.1')], { encoding: 'utf8' }), 'answers\n');
});
