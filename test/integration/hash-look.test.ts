import assert from 'node:assert/strict';
import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sameHashes } from '../../src/drills/guarantees/same-hashes.ts';
import type { DrillRecord } from '../../src/drills/history/record.ts';
import { askHashes } from '../../src/drills/looks/ask-hashes.ts';
import type { Host } from '../../src/hosts/host.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { etcdOperatorLeaf } from '../../src/pki/leaves.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { endProcess } from '../support/end-process.ts';
import { evidence } from '../support/drill-evidence.ts';
import { aHost, cluster } from '../support/example-cluster.ts';
import { freePorts } from '../support/free-ports.ts';
import { etcdctlAccess, startEtcd, writeCertificates, writeOperator, type EtcdPlace } from '../support/real-etcd.ts';
import { forwardPort, type UnixForward } from '../support/unix-forward.ts';

// Two real etcds that know nothing of each other, taken for the members of one: what is written to only one of them is a difference.
const folder = mkdtempSync(join(tmpdir(), 'kubekeep-hash-'));
const now = Date.now();
const secrets = await createSecrets('prod', now);
const ports = await freePorts(4);
const places: readonly EtcdPlace[] = ['m1', 'm2'].map((name, n) => ({ name, folder: join(folder, name), clientPort: ports[n]!, peerPort: ports[n + 2]! }));
const processes: ChildProcess[] = [];
const forwards: UnixForward[] = [];
const operator = await issueLeaf(etcdOperatorLeaf(), secrets.authorities.etcd, { now });

before(async () => {
  writeOperator(folder, operator);
  for (const place of places) {
    mkdirSync(place.folder);
    await writeCertificates(place, { etcd: secrets.authorities.etcd, peer: secrets.authorities['etcd-peer'] }, now);
    forwards.push(await forwardPort(place.clientPort, join(place.folder, 'client.sock')));
    processes.push(startEtcd(place, { [place.name]: `https://127.0.0.1:${place.peerPort}` }, 'new'));
  }
});

after(async () => {
  await Promise.all(processes.map(endProcess));
  await Promise.all(forwards.map((forward) => forward.close()));
  rmSync(folder, { recursive: true });
});

test('members with the same keys have the same hash, at the newest revision that all of them have', async () => {
  for (const { name } of places) put(name, 'a', 'one');
  put('m1', 'b', 'only here');
  const { records, verdict } = await look();
  assert.deepEqual(records.map((record) => record.kind === 'hash' && [record.host, record.revision]), [['m1', 2], ['m2', 2]]);
  assert.equal(verdict.state, 'held');
});

test('a member with another value under the same revision is found', async () => {
  put('m2', 'b', 'something else');
  const { verdict } = await look();
  assert.equal(verdict.state, 'broken');
  assert.match(verdict.breaches[0]!, /^at revision 3 m1 has [0-9a-f]{8} and m2 has [0-9a-f]{8}$/);
});

test('a member that does not answer makes it unknown', async () => {
  await endProcess(processes[1]!);
  const { verdict } = await look();
  assert.equal(verdict.state, 'unknown');
  assert.match(verdict.found, /no hash of m2 \(/);
});

async function look() {
  const records: DrillRecord[] = [];
  const hosts = new Map(places.map(({ name, folder: mine }) => [name, { name, forward: () => Promise.resolve(join(mine, 'client.sock')) } as Partial<Host> as Host]));
  const asked = { ...cluster, hosts: places.map(({ name }) => aHost({ name, address: '127.0.0.1', roles: ['etcd'] })) };
  await askHashes({ operation: { cluster: asked, hosts, clock: systemClock, signal: new AbortController().signal }, secrets }, { now: () => 0, add: (record) => records.push(record) });
  return { records, verdict: sameHashes(evidence(records)) };
}

function put(name: string, key: string, value: string): void {
  const place = places.find((one) => one.name === name)!;
  execFileSync(cachedProgram('etcdctl', '3.7.3'), [...etcdctlAccess(place, folder), '--command-timeout', '20s', 'put', key, value], { stdio: 'pipe' });
}
