import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writerKeysToText } from '../../src/backup/repository-keys.ts';
import { folderStore } from '../../src/backup/store/folder-store.ts';
import { connectEtcd, type EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { admitHost, hostWriters } from '../../src/operations/backup/host-writers.ts';
import { readIdentity, stateFolder } from '../../src/operations/state.ts';
import { createAuthority, type Authority } from '../../src/pki/authorities.ts';
import { issueLeaf, type IssuedLeaf } from '../../src/pki/issue.ts';
import { etcdOperatorLeaf } from '../../src/pki/leaves.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { endProcess } from '../support/end-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { kubekeep, startKubekeep } from '../support/lab-cluster.ts';
import { etcdctlAccess, startEtcd, writeCertificates, writeOperator, type EtcdPlace } from '../support/real-etcd.ts';

// Real etcd members that somebody else started, with a CA of their own, and the command line as a user has it.
const day = 86_400_000;

describe('backups of a cluster that kubekeep did not build', () => {
  const now = Date.now();
  const processes = new Map<string, ChildProcess>();
  let folder: string;
  let places: readonly EtcdPlace[];
  let authorities: Readonly<Record<'etcd' | 'peer' | 'other', Authority>>;
  let operator: IssuedLeaf;
  let client: EtcdClient;
  let plain: Server;
  let elsewhere: TcpServer;
  /** Where m3 says that it is, and where that leads. */
  let relay: TcpServer;
  let relayed: number;

  const url = (name: string) => `https://127.0.0.1:${places.find((place) => place.name === name)!.clientPort}`;
  const initial = (...names: readonly string[]) => Object.fromEntries(places.filter(({ name }) => names.includes(name)).map(({ name, peerPort }) => [name, `https://127.0.0.1:${peerPort}`]));
  const start = (name: string, among: Readonly<Record<string, string>>) => void processes.set(name, startEtcd(places.find((place) => place.name === name)!, among, 'new'));
  const three = () => initial('m1', 'm2', 'm3');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubekeep-external-'));
    authorities = { etcd: await createAuthority('etcd', 'prod', now), peer: await createAuthority('etcd-peer', 'prod', now), other: await createAuthority('etcd', 'other', now) };
    const ports = await freePorts(10);
    relay = await relayTo(() => relayed, '127.0.0.1');
    places = ['m1', 'm2', 'm3', 'm4', 'foreign'].map((name, n) => ({ name, folder: join(folder, name), clientPort: ports[n]!, peerPort: ports[n + 5]!, ...(name === 'm3' && { advertisedPort: portOf(relay) }) }));
    relayed = places[2]!.clientPort;
    for (const place of places) {
      mkdirSync(place.folder);
      await writeCertificates(place, { ...authorities, ...(place.name === 'foreign' && { etcd: authorities.other }) }, now);
    }
    for (const name of ['m1', 'm2', 'm3']) start(name, three());
    start('m4', initial('m4'));
    start('foreign', initial('foreign'));
    operator = await issueLeaf(etcdOperatorLeaf(), authorities.etcd, { now });
    writeOperator(folder, operator);
    const [{ clientPort } = places[0]!] = places;
    client = connectEtcd({ host: '127.0.0.1', port: clientPort, tls: { ca: authorities.etcd.certificate, certificate: operator.certificate, key: operator.privateKey } });
    await until(() => client.canRead(), 'etcd answers');
    await write('a', 'first');
    plain = createServer((_, response) => response.end('{"health":"true"}')).listen(0, '127.0.0.1');
    elsewhere = await relayTo(() => clientPort, '127.0.0.2');
    await until(async () => plain.listening, 'a server without TLS listens');
    await writeFile(join(folder, 'ca.crt'), authorities.etcd.certificate);
    await writeFile(join(folder, 'other-ca.crt'), authorities.other.certificate);
    await writeFile(join(folder, 'no-pem'), 'hello');
    await writeFile(join(folder, 'other.key'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await keepLeaf('expired', await issueLeaf(etcdOperatorLeaf(), authorities.etcd, { now: now - 10 * day, days: 1 }));
    await keepLeaf('early', await issueLeaf(etcdOperatorLeaf(), authorities.etcd, { now: now + 10 * day, days: 1 }));
    await keepLeaf('stranger', await issueLeaf(etcdOperatorLeaf(), authorities.other, { now }));
    await keepLeaf('week', await issueLeaf(etcdOperatorLeaf(), authorities.etcd, { now, days: 7 }));
  });
  after(async () => {
    client.close();
    plain.close();
    elsewhere.close();
    relay.close();
    await Promise.all([...processes.values()].map(endProcess));
    await rm(folder, { recursive: true });
  });

  async function relayTo(port: () => number, address: string): Promise<TcpServer> {
    const server = createTcpServer((socket) => socket.on('error', () => {}).pipe(connect(port(), '127.0.0.1').on('error', () => socket.destroy())).pipe(socket));
    return new Promise((resolve) => server.listen(0, address, () => resolve(server)));
  }

  function portOf(server: Pick<TcpServer, 'address'>): number {
    return (server.address() as AddressInfo).port;
  }

  async function keepLeaf(name: string, { certificate, privateKey }: IssuedLeaf): Promise<void> {
    await writeFile(join(folder, `${name}.crt`), certificate);
    await writeFile(join(folder, `${name}.key`), privateKey.reveal(), { mode: 0o600 });
  }

  async function until(reached: () => Promise<boolean>, what: string): Promise<void> {
    const end = performance.now() + 60_000;
    while (!(await reached().catch(() => false))) {
      assert.ok(performance.now() < end, `after a minute it is not so that ${what}`);
      await systemClock.sleep(100);
    }
  }

  async function write(key: string, value: string): Promise<number> {
    return client.commit([{ key: Buffer.from(key), value: Buffer.from(value), lease: 0n }]);
  }

  interface Wanted {
    readonly name?: string;
    readonly endpoints?: readonly string[];
    readonly ca?: string;
    readonly certificate?: string;
    readonly key?: string;
  }

  /** Path of a cluster file; the one without a name is the one that the tests go on with. */
  async function clusterFile({ name = 'prod', endpoints = [url('m1')], ca = 'ca.crt', certificate = 'operator.crt', key = 'operator.key' }: Wanted = {}): Promise<string> {
    const path = join(folder, `${name}.yaml`);
    await writeFile(path, JSON.stringify({ apiVersion: 'kubekeep.dev/v1alpha1', kind: 'Cluster', metadata: { name: 'prod' }, spec: { external: { etcd: { endpoints, ca, certificate, key } }, backup: { repository: 'backups' } } }));
    return path;
  }

  /** What was said stands together with what was printed; no key is among it. */
  async function run(file: string, ...words: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
    const { code, stdout, stderr } = await kubekeep(...words, '--file', file);
    const said = `${stdout}${stderr}`;
    assert.doesNotMatch(said, /PRIVATE KEY|AGE-SECRET-KEY/);
    for (const line of operator.privateKey.reveal().split('\n').filter((one) => one.length > 30)) assert.ok(!said.includes(line), 'a part of the key was said');
    return { code, said };
  }

  it('want a repository first; making it makes an identity, which only this user can read, and says so', async () => {
    const file = await clusterFile();
    const none = await run(file, 'backup', 'run');
    assert.equal(none.code, 2, none.said);
    assert.match(none.said, /kubekeep backup init/);
    await assert.rejects(stat(join(folder, '.kubekeep')), 'nothing was made');
    const made = await run(file, 'backup', 'init');
    assert.equal(made.code, 0, made.said);
    const identity = join(folder, '.kubekeep/prod/identity');
    assert.ok(made.said.includes(`made identity ${identity}`) && made.said.includes('copy it to a safe place'), made.said);
    assert.equal((await stat(identity)).mode & 0o777, 0o600);
    assert.match(await readFile(identity, 'utf8'), /^# .*without it no backup of this cluster can be read\.\nAGE-SECRET-KEY-1\w+\n$/);
    assert.equal((await run(file, 'backup', 'init')).code, 3);
  });

  it("are begun and followed by who has a writer's keys and no identity, as a host has", async () => {
    const [state, store, host] = [stateFolder(folder, 'prod'), folderStore(join(folder, 'backups')), join(folder, 'host')];
    const writers = (await hostWriters(state, await readIdentity(state, undefined)))!;
    await admitHost(state, store, writers, 'm1');
    mkdirSync(join(host, 'state'), { recursive: true });
    const keys = join(host, 'writer');
    await writeFile(keys, writerKeysToText(writers.of('m1')), { mode: 0o600 });
    const file = join(host, 'keeper.yaml');
    const { spec, ...rest } = JSON.parse(await readFile(await clusterFile(), 'utf8')) as { spec: { external: { etcd: object } } };
    const inFolder = (name: string) => join(folder, name);
    await writeFile(file, JSON.stringify({ ...rest, spec: { external: { etcd: { ...spec.external.etcd, ca: inFolder('ca.crt'), certificate: inFolder('operator.crt'), key: inFolder('operator.key') } }, backup: { repository: inFolder('backups') } } }));
    const follower = startKubekeep(['backup', 'follow', '--writer', keys, '--metrics', join(host, 'kubekeep.prom'), '--file', file], { env: { STATE_DIRECTORY: join(host, 'state') } });
    const listed = async () => JSON.parse((await kubekeep('backup', 'list', '--json', '--file', join(folder, 'prod.yaml'))).stdout) as { bases: readonly { writer: string; hashChecked: boolean }[]; log: readonly { last: number }[] };
    await until(async () => (await listed()).bases.length === 1, 'the host has taken a base');
    const revision = await write('counted', 'by a host');
    await until(async () => (await listed()).log.some(({ last }) => last >= revision), 'the log has what was written');
    assert.deepEqual((await listed()).bases.map(({ writer, hashChecked }) => [writer, hashChecked]), [[writers.of('m1').writer.writer, true]]);
    await until(async () => /^kubekeep_backup_leads\{.*\} 1$/m.test(await readFile(join(host, 'kubekeep.prom'), 'utf8')), 'it says that it leads');
    follower.process.kill('SIGINT');
    assert.equal((await follower.ended).code, 130);
    assert.deepEqual((await readdir(host, { recursive: true })).toSorted(), ['keeper.yaml', 'kubekeep.prom', 'state', 'state/.kubekeep', 'state/.kubekeep/.gitignore', 'state/.kubekeep/prod', 'state/.kubekeep/prod/repository-seen.json', 'writer']);
  });

  it('make no identity where the place of the repository is taken', async () => {
    const path = join(folder, 'second.yaml');
    const text = await readFile(await clusterFile({ name: 'second' }), 'utf8');
    await writeFile(path, text.replace('"name":"prod"', '"name":"second"'));
    const refused = await run(path, 'backup', 'init');
    assert.equal(refused.code, 3, refused.said);
    await assert.rejects(stat(join(folder, '.kubekeep/second/identity')));
  });

  it('ask every member that etcd names, also those that the file does not', async () => {
    const { code, said } = await run(await clusterFile(), 'backup', 'run');
    assert.equal(code, 0, said);
    assert.match(said, /hash-checked with 3 of 3 members/);
    assert.match(said, /etcd has a member m2 that the cluster file does not name; it is asked too/);
    assert.match(said, /etcd has a member m3 /);
    const all = await run(await clusterFile({ endpoints: ['m1', 'm2', 'm3'].map(url) }), 'backup', 'run');
    assert.match(all.said, /hash-checked with 3 of 3 members/);
    assert.doesNotMatch(all.said, /does not name/);
    const twice = await run(await clusterFile({ endpoints: [url('m1'), url('m1').replace('127.0.0.1', 'localhost')] }), 'backup', 'run');
    assert.match(twice.said, /hash-checked with 3 of 3 members/);
    assert.doesNotMatch(twice.said, /Warning/);
  });

  it('follow every revision and give one back, which has the hash that etcd said', async () => {
    const file = await clusterFile();
    const follower = startKubekeep(['backup', 'follow', '--file', file]);
    const written: number[] = [];
    for (let number = 0; number < 20; number++) written.push(await write('counted', String(number)));
    const wanted = written[9]!;
    const { hash } = await client.hashKv(wanted);
    await until(async () => (JSON.parse((await kubekeep('backup', 'list', '--json', '--file', file)).stdout) as { log: readonly { last: number }[] }).log.some(({ last }) => last >= written.at(-1)!), 'the log has what was written');
    follower.process.kill('SIGINT');
    assert.equal((await follower.ended).code, 130);
    const snapshot = join(folder, 'snap.db');
    const restored = await run(file, 'restore', 'file', '--at', `revision:${wanted}`, '--to', snapshot);
    assert.equal(restored.code, 0, restored.said);
    const data = join(folder, 'restored');
    execFileSync(cachedProgram('etcdutl', '3.7.3'), ['snapshot', 'restore', snapshot, '--data-dir', data], { stdio: 'ignore' });
    const said = JSON.parse(execFileSync(cachedProgram('etcdutl', '3.7.3'), ['hashkv', join(data, 'member/snap/db'), '--rev', String(wanted), '--write-out', 'json'], { encoding: 'utf8' })) as { hash: number };
    assert.equal(said.hash, hash);
    assert.equal((await run(file, 'backup', 'check')).code, 0);
    assert.match((await run(file, 'backup', 'keys', 'list')).said, /^RECIPIENT .*\nage1\w+  data, escrow/);
    const identity = join(folder, '.kubekeep/prod/identity');
    for (const words of [['backup', 'keys', 'prove'], ['restore', 'state']]) assert.match((await run(file, ...words, '--identity', identity)).said, /kubekeep did not build cluster prod/);
  });

  it('take nobody for a member whose address leads to another one from here', async () => {
    relayed = places[0]!.clientPort;
    const { code, said } = await run(await clusterFile({ endpoints: [url('m1'), url('m2')] }), 'backup', 'run');
    relayed = places[2]!.clientPort;
    assert.equal(code, 0, said);
    assert.match(said, new RegExp(`etcd on m3 does not answer.*another member answers at https://127\\.0\\.0\\.1:${portOf(relay)}`));
    assert.match(said, /hash-checked with 2 of 3 members/);
    // An endpoint of the file leads to it all the same.
    assert.match((await run(await clusterFile({ endpoints: ['m1', 'm2', 'm3'].map(url) }), 'backup', 'run')).said, /hash-checked with 3 of 3 members/);
  });

  it('wait for a certificate that is renewed, and go on with it', async () => {
    const copy = async (name: string) => Promise.all(['crt', 'key'].map(async (end) => writeFile(join(folder, `rotated.${end}`), await readFile(join(folder, `${name}.${end}`)), { mode: 0o600 })));
    await copy('expired');
    const file = await clusterFile({ name: 'rotated', certificate: 'rotated.crt', key: 'rotated.key' });
    const said: string[] = [];
    const follower = startKubekeep(['backup', 'follow', '--file', file], { onLine: (line) => said.push(line) });
    await until(async () => said.some((line) => /the log waits.*rotated\.crt.* expired on/.test(line)), 'the follower waits');
    const revision = await write('counted', 'renewed');
    await copy('operator');
    await until(async () => (JSON.parse((await kubekeep('backup', 'list', '--json', '--file', file)).stdout) as { log: readonly { last: number }[] }).log.some(({ last }) => last >= revision), 'the log has what was written');
    follower.process.kill('SIGINT');
    assert.equal((await follower.ended).code, 130);
  });

  it('come from the members that are left, and say who is not', async () => {
    await endProcess(processes.get('m2')!);
    const { code, said } = await run(await clusterFile({ endpoints: ['m1', 'm2', 'm3'].map(url) }), 'backup', 'run');
    assert.equal(code, 0, said);
    assert.match(said, /etcd on m2 does not answer.*ECONNREFUSED/);
    assert.match(said, /hash-checked with 2 of 3 members/);
    const unnamed = await run(await clusterFile({ endpoints: [url('m1'), 'https://127.0.0.1:1'] }), 'backup', 'run');
    assert.match(unnamed.said, /https:\/\/127\.0\.0\.1:1 does not answer, and no member of etcd says that it is there/);
    assert.match(unnamed.said, /hash-checked with 2 of 3 members/);
    start('m2', three());
  });

  it('say that the certificate expires soon', async () => {
    const { code, said } = await run(await clusterFile({ certificate: 'week.crt', key: 'week.key' }), 'backup', 'run');
    assert.equal(code, 0, said);
    assert.match(said, /the client certificate .*week\.crt expires in [67] days/);
  });

  const peerUrl = () => `https://127.0.0.1:${places[0]!.peerPort}`;
  const refusals: readonly (readonly [title: string, wanted: () => Wanted, code: number, says: RegExp])[] = [
    ['no CA file', () => ({ ca: 'nowhere.crt' }), 2, /nowhere\.crt, spec\.external\.etcd\.ca of the cluster file, does not exist\n.*\/etc\/kubernetes\/pki\/etcd/],
    ['a folder as key', () => ({ key: 'm1' }), 2, /m1, spec\.external\.etcd\.key of the cluster file, cannot be read \(EISDIR\)/],
    ['a CA file that is none', () => ({ ca: 'no-pem' }), 2, /no-pem, spec\.external\.etcd\.ca .* has no certificate in PEM form/],
    ['the key as certificate', () => ({ certificate: 'operator.key' }), 2, /operator\.key, spec\.external\.etcd\.certificate .* has a private key and no certificate/],
    ['the certificate as key', () => ({ key: 'operator.crt' }), 2, /operator\.crt, spec\.external\.etcd\.key .* has no private key in PEM form/],
    ['another key', () => ({ key: 'other.key' }), 2, /other\.key, spec\.external\.etcd\.key .* is not the private key of .*operator\.crt/],
    ['an expired certificate', () => ({ certificate: 'expired.crt', key: 'expired.key' }), 1, /expired\.crt, spec\.external\.etcd\.certificate .* expired on \d{4}-\d\d-\d\d\n.*kubeadm certs renew/],
    ['a certificate of tomorrow', () => ({ certificate: 'early.crt', key: 'early.key' }), 1, /early\.crt, .* is not valid before .*\n.*clock/],
    ['a certificate of another CA', () => ({ certificate: 'stranger.crt', key: 'stranger.key' }), 1, /no etcd member answers.*does not accept our certificate\n.*ca, certificate and key/],
    ['another CA', () => ({ ca: 'other-ca.crt' }), 1, /no etcd member answers.*its certificate is not from the CA.*\n.*ca, certificate and key/],
    ['an etcd of another CA', () => ({ endpoints: [url('foreign')] }), 1, /its certificate is not from the CA/],
    ['an address that the certificate has not', () => ({ endpoints: [`https://127.0.0.2:${portOf(elsewhere)}`] }), 1, /127\.0\.0\.2:\d+: Status: its certificate is for another name/],
    ['nobody at the endpoint', () => ({ endpoints: ['https://127.0.0.1:1'] }), 1, /no etcd member answers, so nothing can be backed up: etcd on 127\.0\.0\.1:1: .*ECONNREFUSED.*\n.*etcdctl member list/],
    ['a peer port', () => ({ endpoints: [peerUrl()] }), 1, /no etcd member answers.*127\.0\.0\.1:\d+: /],
    ['a server without TLS', () => ({ endpoints: [`https://127.0.0.1:${portOf(plain)}`] }), 1, /no etcd member answers.*it does not speak TLS/],
    ['members of two clusters', () => ({ endpoints: [url('m1'), url('m4')] }), 3, /are of different etcd clusters \(ids [0-9a-f]+ and [0-9a-f]+\)/],
  ];
  for (const [title, wanted, code, says] of refusals) {
    it(`end in a sentence with ${title}`, async () => {
      const outcome = await run(await clusterFile(wanted()), 'backup', 'run');
      assert.match(outcome.said, says);
      assert.equal(outcome.code, code, outcome.said);
      assert.ok(outcome.said.trim().split('\n').filter((line) => line.startsWith('kubekeep: ')).length === 1, outcome.said);
    });
  }

  const others: readonly (readonly string[])[] = [
    ['plan'], ['apply', '--yes'], ['status'], ['destroy', '--confirm', 'prod'], ['hosts', 'check'], ['hosts', 'trust'], ['kubeconfig'], ['kubectl'], ['render'], ['programs', 'fetch'], ['drill', 'list'], ['drill', 'run', 'N1'], ['drill', 'permit', '--faults', 'N1', '--hours', '1', '--out', 'permit.json'], ['drill', 'compare'], ['restore', 'cluster', '--at', 'latest'],
  ];
  for (const words of others) {
    it(`are all that is done: ${words.join(' ')} is refused`, async () => {
      const { code, said } = await run(await clusterFile(), ...words);
      assert.match(said, /kubekeep did not build cluster prod/);
      assert.match(said, /What works with it: kubekeep validate, backup .*, restore file and verify, objects, at and bisect/);
      assert.equal(code, 2, said);
    });
  }

  it('leave etcd as it was but for what was written here', async () => {
    const keys = execFileSync(cachedProgram('etcdctl', '3.7.3'), [...etcdctlAccess(places[0]!, folder), 'get', '', '--from-key', '--keys-only'], { encoding: 'utf8' });
    assert.deepEqual(keys.split('\n').filter(Boolean), ['a', 'counted']);
  });
});
