import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAuthority } from '../pki/authorities.ts';
import { issueLeaf } from '../pki/issue.ts';
import { parseFacts } from './observe.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const output = [
  'os\tdebian 13\t',
  'openfiles\t20000\t',
  'address\thost0\t10.0.0.11/24\t',
  'address\thost0\t10.0.0.100/32\t',
  'hash\t/etc/kubekeep/etcd.yaml\tabc',
  'stat\t/etc/kubekeep/etcd.yaml\t644\troot:root',
  'unit\tetcd.service\tloaded\tactive\trunning\tenabled\tyes\t',
  'pending\thaproxy.service\t',
  `identity\t${base64('{"cluster":"a","id":"1","virtualRouterId":7}')}\t`,
  'ended\ta\tb\t',
  'peers\t10.0.0.12\t10.0.0.13\t',
  'etcd\tdata\t',
  'etcd\texisting\t',
  'api\tlive\t',
  'stat-line\t# pxname,svname,status,check_status,scur,type,\t',
  'stat-line\tapi,cp1,UP 1/2,L4CON,3,2,\t',
  'end\t',
].join('\n');

describe('the facts of a host', () => {
  const facts = parseFacts(output);

  it('are read from the lines of the script', () => {
    assert.equal(facts.os, 'debian 13');
    assert.deepEqual(facts.addresses.map(({ address, prefix }) => `${address}/${prefix}`), ['10.0.0.11/24', '10.0.0.100/32']);
    assert.deepEqual(facts.files.get('/etc/kubekeep/etcd.yaml'), { sha256: 'abc', mode: 0o644, owner: 'root:root' });
    assert.deepEqual(facts.units.get('etcd.service'), { load: 'loaded', active: 'active', sub: 'running', enabled: 'enabled', needsReload: true });
    assert.deepEqual([...facts.pendingUnits], ['haproxy.service']);
    assert.equal(facts.identity?.virtualRouterId, 7);
    assert.deepEqual(facts.endedRestores, ['a', 'b']);
    assert.deepEqual(facts.balancerPeers, ['10.0.0.12', '10.0.0.13']);
    assert.deepEqual(facts.etcd, { hasData: true, formed: false, initialState: 'existing', ready: false });
    assert.deepEqual(facts.apiServer, { live: true, ready: false });
  });

  it('take a server that is on its way for one that does not serve yet', () => {
    assert.deepEqual(facts.backends.map(({ server, serves }) => [server, serves]), [['cp1', false]]);
  });

  it('take a kubelet whose certificate has run out for one that has not joined', async () => {
    const begin = Date.UTC(2026, 0, 1);
    const { certificate } = await issueLeaf({ name: 'w1', authority: 'kubernetes', usages: ['client'], commonName: 'system:node:w1', organizations: ['system:nodes'], dnsNames: [], addresses: [] }, await createAuthority('kubernetes', 'prod', begin), { now: begin, days: 365 });
    const joined = (pem: string, now: number) => parseFacts(`clock\t${now / 1000}\t\njoined\t${base64(pem)}\t\n${output}`).joined;
    assert.deepEqual([joined(certificate, begin + 364 * 86_400_000), joined(certificate, begin + 366 * 86_400_000), joined('', begin), facts.joined], [true, false, true, false]);
  });

  it('are refused where the answer was cut short', () => {
    assert.throws(() => parseFacts(output.replace(/end\t$/, '')), /cut short/);
  });
});
