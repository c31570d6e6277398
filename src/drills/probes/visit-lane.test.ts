import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../lib/clock.ts';
import { Secret } from '../../lib/secret.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { laneOf, type ProbePlan } from './probe-plan.ts';
import { startProber } from './prober.ts';

test('a service is visited over new and over kept connections; a page counts, and no answer or a 503 does not', async (t) => {
  let answer: number | 'cut' = 200;
  let connections = 0;
  const server = createServer((request, response) => (answer === 'cut' ? request.socket.destroy() : response.writeHead(answer).end('a page')));
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const lanes = [laneOf('visit', 'new', 'service shop', 20), laneOf('visit', 'reused', 'service shop', 10)];
  const plan: ProbePlan = { lanes, doors: { 'service shop': { address: '127.0.0.1', port: (server.address() as AddressInfo).port } }, ca: '', certificate: '', key: new Secret(''), namespace: 'drill', seed: 1, run: 'r' };
  const records: DrillRecord[] = [];
  const prober = startProber(plan, { clock: systemClock, onRecord: (record) => records.push(record) });
  t.after(async () => {
    await prober.stop();
    server.close();
  });
  const visits = () => records.filter((record): record is Request => record.kind === 'request');
  const next = async () => {
    for (const already = visits().length; visits().length < already + 20; ) await systemClock.sleep(20);
    return visits().slice(-10);
  };
  await next();
  const [made, asked] = [connections, visits().length];
  assert.ok(visits().every(({ outcome, status, revision }) => outcome === 'acknowledged' && status === 200 && revision === undefined));
  // Each of the one lane on a connection of its own; of the other's not all, however late answers are.
  assert.ok(made > asked / 2 && made < asked - 2, `${made} connections for ${asked} visits`);
  for (const [how, outcome, status] of [[503, 'unknown', 503], ['cut', 'unknown', undefined], [404, 'acknowledged', 404]] as const) {
    answer = how;
    for (const one of await next()) assert.deepEqual([one.outcome, one.status], [outcome, status]);
  }
});
