import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inspect } from 'node:util';
import { connectEtcd } from '../../src/clients/etcd/connect-etcd.ts';
import type { EtcdClient } from '../../src/clients/etcd/connect-etcd.ts';
import { EtcdError } from '../../src/clients/etcd/etcd-error.ts';
import type { EtcdReason } from '../../src/clients/etcd/etcd-error.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createAuthority } from '../../src/pki/authorities.ts';
import type { Authority } from '../../src/pki/authorities.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { etcdOperatorLeaf } from '../../src/pki/leaves.ts';
import { endProcess } from '../support/end-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { startEtcd, writeCertificates } from '../support/real-etcd.ts';
import type { EtcdPlace } from '../support/real-etcd.ts';
import { forwardPort } from '../support/unix-forward.ts';
import type { UnixForward } from '../support/unix-forward.ts';

// Three real members with mutual TLS by our own PKI, a fourth that joins; each test starts from what the one before left.
const folder = mkdtempSync(join(tmpdir(), 'kubekeep-etcd-'));
const now = Date.now();
const processes = new Map<string, ChildProcess>();
const forwards: UnixForward[] = [];
const clients: EtcdClient[] = [];
const authorities = { etcd: await createAuthority('etcd', 'prod', now), peer: await createAuthority('etcd-peer', 'prod', now) };
const ports = await freePorts(8);
const places: readonly EtcdPlace[] = ['m1', 'm2', 'm3', 'm4'].map((name, n) => ({ name, folder: join(folder, name), clientPort: ports[n]!, peerPort: ports[n + 4]! }));
const peerUrl = ({ peerPort }: EtcdPlace): string => `https://127.0.0.1:${peerPort}`;
const initial = (members: readonly EtcdPlace[]): Record<string, string> => Object.fromEntries(members.map((place) => [place.name, peerUrl(place)]));

before(async () => {
  for (const place of places) {
    mkdirSync(place.folder);
    await writeCertificates(place, authorities, now);
    forwards.push(await forwardPort(place.clientPort, join(place.folder, 'client.sock')));
    clients.push(await client(place, {}));
  }
  for (const place of places.slice(0, 3)) processes.set(place.name, startEtcd(place, initial(places.slice(0, 3)), 'new'));
  await until(async () => (await Promise.all(clients.slice(0, 3).map((one) => one.canRead()))).every(Boolean));
  await until(async () => (await Promise.all(clients.slice(0, 3).map((one) => one.status()))).every(({ storageVersion }) => storageVersion === '3.7.0'));
});

after(async () => {
  for (const one of clients) one.close();
  await Promise.all([...processes.keys()].map(stop));
  await Promise.all(forwards.map((forward) => forward.close()));
  rmSync(folder, { recursive: true });
});

interface Changes {
  readonly authority?: Authority;
  readonly ca?: string;
  readonly serverName?: string;
}

async function client(place: EtcdPlace, { authority = authorities.etcd, ca = authorities.etcd.certificate, serverName = place.name }: Changes): Promise<EtcdClient> {
  const { certificate, privateKey } = await issueLeaf(etcdOperatorLeaf(), authority, { now });
  return connectEtcd({ socketPath: join(place.folder, 'client.sock'), serverName, tls: { ca, certificate, key: privateKey } });
}

async function until(done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await done().catch(() => false))) {
    assert.ok(performance.now() < end, 'not within 20 s');
    await systemClock.sleep(100);
  }
}

async function stop(name: string): Promise<void> {
  const process = processes.get(name);
  processes.delete(name);
  if (process) await endProcess(process);
}

const fails = (reason: EtcdReason) => (error: unknown) => error instanceof EtcdError && error.reason === reason && error.code === 'etcd-failed';
const memberOf = async (name: string) => (await clients[0]!.members()).find((member) => member.name === name)!;
const leaderIndex = async (): Promise<number> => {
  const leader = (await clients[0]!.status()).leader;
  const members = await clients[0]!.members();
  return places.findIndex(({ name }) => name === members.find(({ id }) => id === leader)?.name);
};

test('all members tell the same cluster, leader and members, in the ids that etcdctl prints', async () => {
  const all = await Promise.all(clients.slice(0, 3).map((one) => one.status()));
  assert.equal(new Set(all.map(({ clusterId }) => clusterId)).size, 1);
  assert.equal(new Set(all.map(({ leader }) => leader)).size, 1);
  assert.deepEqual(all.map(({ version, storageVersion, isLearner, errors }) => [version, storageVersion, isLearner, errors]), Array(3).fill(['3.7.3', '3.7.0', false, []]));
  for (const { dbSize, dbSizeInUse, raftIndex, raftAppliedIndex, revision, dbSizeQuota } of all) assert.ok(dbSize >= dbSizeInUse && dbSizeInUse > 0 && raftIndex >= raftAppliedIndex && revision >= 1 && dbSizeQuota > 0);
  const members = await clients[1]!.members();
  assert.deepEqual(members.map(({ name, peerUrls, isLearner }) => [name, peerUrls, isLearner]).sort((a, b) => String(a).localeCompare(String(b))), places.slice(0, 3).map((place) => [place.name, [peerUrl(place)], false]));
  assert.ok(all.every(({ member, leader }) => [member, leader!].every((id) => members.some((one) => one.id === id) && /^[1-9a-f][0-9a-f]*$/.test(id))));
});

test('the hash of the keys is the same on all members', async () => {
  const hashes = await Promise.all(clients.slice(0, 3).map((one) => one.hashKv(0)));
  assert.equal(new Set(hashes.map((one) => JSON.stringify(one))).size, 1);
  assert.equal(hashes[0]!.revision, 1);
});

test('leadership moves at the leader’s word only', async () => {
  const leader = await leaderIndex();
  const next = (leader + 1) % 3;
  const { id } = await memberOf(places[next]!.name);
  await assert.rejects(clients[next]!.moveLeader(id), fails('not-leader'));
  await clients[leader]!.moveLeader(id);
  assert.equal((await clients[next]!.status()).leader, id);
});

test('a learner joins, gets its vote once it has caught up, and leaves', async () => {
  const place = places[3]!;
  // etcd refuses it for the first 5 s of a connection between two members.
  await until(async () => clients[0]!.addLearner(peerUrl(place)).then(() => true, (error) => (assert.ok(fails('quorum-at-risk')(error)), false)));
  const { id, isLearner } = await memberOf('');
  assert.equal(isLearner, true);
  await assert.rejects(clients[0]!.addLearner(peerUrl(place)), fails('peer-url-taken'));
  await assert.rejects(clients[0]!.addLearner('https://127.0.0.1:1'), fails('learner-exists'));
  await assert.rejects(clients[1]!.promote(id), fails('learner-not-ready'));
  processes.set(place.name, startEtcd(place, initial(places), 'existing'));
  await until(async () => clients[1]!.promote(id).then(() => true));
  await until(() => clients[3]!.canRead());
  assert.equal((await clients[3]!.status()).isLearner, false);
  assert.equal((await memberOf('m4')).isLearner, false);
  await clients[2]!.remove(id);
  assert.equal((await clients[0]!.members()).length, 3);
  await assert.rejects(clients[2]!.remove(id), fails('member-missing'));
  await stop('m4');
});

test('there is no alarm, and none can be disarmed into existence', async () => {
  assert.deepEqual(await clients[0]!.alarms(), []);
  await clients[0]!.disarm({ member: (await memberOf('m1')).id, kind: 'no-space' });
  assert.deepEqual(await clients[0]!.alarms(), []);
  await clients[2]!.defragment({ deadline: 60_000 });
});

const strangers: readonly (readonly [string, () => Promise<EtcdClient>, RegExp])[] = [
  ['a server certificate of another CA', async () => client(places[0]!, { ca: (await createAuthority('etcd', 'prod', now)).certificate }), /not from the CA/],
  ['a server of another name', () => client(places[0]!, { serverName: 'm2' }), /for another name/],
  ['a client certificate of another CA', async () => client(places[0]!, { authority: await createAuthority('etcd', 'prod', now) }), /does not accept our certificate/],
];
for (const [title, connect, message] of strangers) {
  test(`nothing is said over a connection that is not trusted: ${title}`, async () => {
    const stranger = await connect();
    await assert.rejects(stranger.status(), (error) => fails('untrusted')(error) && message.test(String(error)));
    stranger.close();
  });
}

test('an interrupted call ends at once as an interruption', async () => {
  await assert.rejects(clients[0]!.status({ signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('without a quorum the survivor still answers for itself, and reads fail within the deadline', async () => {
  await Promise.all([stop('m2'), stop('m3')]);
  await until(async () => (await clients[0]!.status()).leader === undefined);
  assert.equal((await clients[0]!.members({ stale: true })).length, 3);
  const start = performance.now();
  assert.equal(await clients[0]!.canRead({ deadline: 1000 }), false);
  assert.ok(performance.now() - start < 1500);
  await assert.rejects(clients[0]!.members({ deadline: 1000 }), (error) => error instanceof EtcdError && ['no-leader', 'timed-out'].includes(error.reason));
  await assert.rejects(clients[1]!.status(), fails('unreachable'));
});

test('no error shows the key', async () => {
  const error: unknown = await clients[1]!.status().catch((caught: unknown) => caught);
  assert.match(String(error), /etcd on m2: Status: /);
  const key = readFileSync(join(places[0]!.folder, 'etc/kubernetes/pki/etcd/server.key'), 'utf8');
  for (const text of [inspect(error, { depth: 9 }), inspect(clients[1], { depth: 9 })]) assert.equal(/PRIVATE KEY/.test(text) || text.includes(key.split('\n')[1]!), false);
});
