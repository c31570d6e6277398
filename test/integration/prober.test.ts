import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connectApi } from '../../src/clients/kubernetes/connect-api.ts';
import { judge } from '../../src/drills/guarantees/judge.ts';
import { parseHistory } from '../../src/drills/history/read-history.ts';
import type { DrillRecord, Request, Watched } from '../../src/drills/history/record.ts';
import { openProber } from '../../src/drills/probes/open-prober.ts';
import { laneOf } from '../../src/drills/probes/probe-plan.ts';
import type { ProbePlan } from '../../src/drills/probes/probe-plan.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { adminLeaf } from '../../src/pki/leaves.ts';
import { createSecrets } from '../../src/pki/secrets.ts';
import { endProcess } from '../support/end-process.ts';
import { freePorts } from '../support/free-ports.ts';
import { startApiWithEtcd, waitUntilReady } from '../support/real-api-server.ts';

// The prober in its own process against a real kube-apiserver on a real etcd.
const folder = mkdtempSync(join(tmpdir(), 'kubekeep-prober-'));
const now = Date.now();
const secrets = await createSecrets('prod', now);
const admin = await issueLeaf(adminLeaf('ann', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 });
const [clientPort, peerPort, apiPort] = (await freePorts(3)) as [number, number, number];
const processes: ChildProcess[] = [];
const access = { ca: secrets.authorities.kubernetes.certificate, certificate: admin.certificate, key: admin.privateKey };
const api = connectApi({ connect: { host: '127.0.0.1', port: apiPort }, serverName: 'kubernetes', ...access });

before(async () => {
  await startApiWithEtcd({ folder, ports: { client: clientPort, peer: peerPort, api: apiPort }, secrets, now, processes });
  await waitUntilReady(api);
});

after(async () => {
  api.close();
  await Promise.all(processes.map(endProcess));
  rmSync(folder, { recursive: true });
});

const door = 'API server';
const lanes = [
  laneOf('watch', 'new', door, 0),
  laneOf('watch', 'reused', door, 0),
  laneOf('write', 'new', door, 10),
  laneOf('write', 'reused', door, 20),
  laneOf('write', 'reused, short', door, 10),
  laneOf('read', 'new', door, 10),
  laneOf('read', 'reused', door, 20),
  laneOf('register', 'new', door, 20),
  laneOf('register', 'reused', door, 60),
];
const plan: ProbePlan = { lanes, doors: { [door]: { address: '127.0.0.1', port: apiPort, serverName: 'kubernetes' } }, ...access, namespace: 'default', seed: 7, run: 'probe' };

test('all workloads run against a real API server, and the history says exactly what happened', async () => {
  const historyFile = join(folder, 'history.ndjson');
  const prober = await openProber(plan, { historyFile });
  await systemClock.sleep(3300);
  // Chance decides when the first register is deleted.
  while (!/"delete".*"acknowledged"/.test(readFileSync(historyFile, 'utf8')) && prober.now() < 20_000) await systemClock.sleep(100);
  const seconds = prober.now() / 1000;
  prober.add({ kind: 'mark', what: 'note', at: prober.now(), about: 'enough' });
  const figures = prober.lanes();
  await prober.stop();

  assert.equal(statSync(historyFile).mode & 0o777, 0o600);
  const text = readFileSync(historyFile, 'utf8');
  assert.ok(!text.includes('PRIVATE KEY'));
  const { records, damage } = parseHistory(text);
  assert.deepEqual(damage, []);
  const requests = records.filter((record) => record.kind === 'request');
  assert.equal(records[0]!.kind, 'began');
  for (const { name, rate } of lanes.filter(({ workload }) => workload !== 'watch')) {
    const sent = requests.filter(({ lane }) => lane === name).length;
    assert.ok(Math.abs(sent - rate * (seconds - 0.3)) <= rate * 0.7, `${name}: ${sent} requests in ${seconds} s`);
  }
  assert.deepEqual(requests.filter(({ outcome }) => outcome === 'unknown'), []);
  assert.deepEqual(requests.filter(({ operation, outcome }) => operation === 'get' && outcome !== 'acknowledged'), []);
  assert.ok(figures.filter(({ lane }) => !lane.startsWith('watch')).every(({ acknowledged, longestGap }) => acknowledged > 10 && longestGap < 10_000), JSON.stringify(figures));
  const mark = records.find((record) => record.kind === 'mark')!;
  assert.ok(mark.at > 3000 && mark.at < Math.max(...requests.map(({ ended }) => ended)) + 500);

  const found = await objects();
  checkWrites(requests.filter(({ lane }) => lane.startsWith('write')), found);
  checkWatches(records, requests);
  checkRegisters(requests.filter(({ lane }) => lane.startsWith('register')));
  assert.deepEqual(judge({ records, damage, finally: found }).filter(({ state }) => state === 'broken'), []);
});

async function objects(): Promise<Map<string, { revision: number; value: string }>> {
  const { items } = await api.get<{ items: { metadata: { name: string; resourceVersion: string }; data: { value?: string } }[] }>('/api/v1/namespaces/default/configmaps');
  return new Map(items.map(({ metadata, data }) => [metadata.name, { revision: Number(metadata.resourceVersion), value: data.value ?? '' }]));
}

/** Every acknowledged write exists with its value and revision. */
function checkWrites(writes: readonly Request[], found: ReadonlyMap<string, { revision: number; value: string }>): void {
  assert.ok(writes.length > 100);
  for (const { outcome, object, revision, value } of writes) {
    assert.equal(outcome, 'acknowledged');
    assert.deepEqual(found.get(object), { revision, value });
  }
}

/** Each watch tells every change that was acknowledged, once, in order, and ends only when asked. */
function checkWatches(records: readonly DrillRecord[], requests: readonly Request[]): void {
  const changes = requests.filter(({ operation, outcome }) => outcome === 'acknowledged' && (operation === 'create' || operation === 'update'));
  for (const { name } of lanes.filter(({ workload }) => workload === 'watch')) {
    const told = records.filter((record): record is Watched => record.kind === 'watched' && record.lane === name && record.type !== 'BOOKMARK');
    const byRevision = new Map(told.map((event) => [event.revision, event]));
    assert.equal(byRevision.size, told.length);
    assert.deepEqual(told.map(({ revision }) => revision), [...byRevision.keys()].sort((a, b) => a - b));
    for (const { object, value, revision, operation } of changes) {
      const event = byRevision.get(revision!);
      assert.deepEqual([event?.object, event?.value, event?.type], [object, value, operation === 'create' ? 'ADDED' : 'MODIFIED'], `revision ${revision}`);
    }
    assert.deepEqual(records.filter((record) => record.kind === 'watch ended' && record.lane === name).map((record) => record.kind === 'watch ended' && record.why), ['asked']);
  }
}

/** Revisions of one register are one line: each change that was done stands on the one before it, each read found a state that was. */
function checkRegisters(requests: readonly Request[]): void {
  const changed = requests.filter(({ operation, outcome }) => outcome === 'acknowledged' && operation !== 'get');
  const values = new Map(changed.filter(({ revision }) => revision !== undefined).map(({ revision, value }) => [revision, value]));
  const revisions = new Set(values.keys());
  for (const { operation, outcome, expected, revision, value, status, sent, ended } of requests) {
    assert.ok(ended >= sent);
    if (expected !== undefined) assert.ok(revisions.has(expected));
    if (outcome === 'acknowledged' && operation === 'update') assert.ok(revision! > expected!);
    if (outcome === 'acknowledged' && operation === 'get' && status === 200) assert.equal(value, values.get(revision));
    if (outcome === 'refused') assert.ok(status === 409 || status === 404, `${operation}: ${status}`);
  }
  // Two changes cannot both have stood on the same state.
  const based = changed.filter(({ expected }) => expected !== undefined).map(({ expected }) => expected);
  assert.equal(new Set(based).size, based.length);
  for (const operation of ['create', 'get', 'update', 'delete'] as const) assert.ok(requests.some((request) => request.operation === operation && request.outcome === 'acknowledged'), operation);
  assert.ok(requests.some(({ operation, status }) => operation === 'update' && status === 409), 'lanes never met');
}
