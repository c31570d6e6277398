import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { freePorts } from '../../../test/support/free-ports.ts';
import { systemClock } from '../../lib/clock.ts';
import { createAuthority } from '../../pki/authorities.ts';
import type { DrillRecord, Request } from '../history/record.ts';
import { openProber } from './open-prober.ts';
import { laneOf, planLine } from './probe-plan.ts';
import type { ProbePlan } from './probe-plan.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubekeep-prober-'));
after(() => rmSync(folder, { recursive: true }));

// Nobody listens: every request is refused at once.
const [port] = (await freePorts(1)) as [number];
const { certificate, privateKey } = await createAuthority('kubernetes', 'test', Date.now());
const lane = laneOf('write', 'new', 'door', 20);
const plan: ProbePlan = { lanes: [lane], doors: { door: { address: '127.0.0.1', port, serverName: 'kubernetes' } }, ca: certificate, certificate, key: privateKey, namespace: 'drill', seed: 1, run: 'r' };

test('the history is a new file for the owner only, with the records of prober and drill in one time', async () => {
  const historyFile = join(folder, 'history.ndjson');
  const prober = await openProber(plan, { historyFile });
  await systemClock.sleep(600);
  prober.add({ kind: 'mark', what: 'fault begins', at: prober.now(), about: 'N1' });
  await systemClock.sleep(400);
  const end = prober.now();
  const sameTime = prober.toProber(systemClock.monotonic());
  await prober.stop();
  assert.ok(Math.abs(sameTime - end) < 20);
  assert.equal(statSync(historyFile).mode & 0o777, 0o600);
  const records = readFileSync(historyFile, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as DrillRecord);
  const [began] = records;
  assert.ok(began?.kind === 'began' && Math.abs(began.epoch + end - Date.now()) < 2000);
  assert.deepEqual(began.lanes, [lane]);
  const requests = records.filter((record): record is Request => record.kind === 'request');
  assert.ok(requests.length >= 10 && requests.every(({ outcome, error }) => outcome === 'refused' && error === 'ECONNREFUSED'));
  const mark = records.find(({ kind }) => kind === 'mark') as Extract<DrillRecord, { kind: 'mark' }>;
  assert.ok(requests.some(({ sent }) => sent < mark.at) && requests.some(({ sent }) => sent > mark.at));
  assert.ok(Math.max(...requests.map(({ due }) => due)) <= end + 200);
  await assert.rejects(openProber(plan, { historyFile }), { code: 'EEXIST' });
});

test('what is looked at after the last request still comes into the history, before its end', async () => {
  const historyFile = join(folder, 'looks.ndjson');
  const prober = await openProber(plan, { historyFile });
  await systemClock.sleep(400);
  await prober.endProbing();
  const ended = prober.now();
  prober.add({ kind: 'mark', what: 'note', at: prober.now(), about: 'a look' });
  await prober.stop();
  const records = readFileSync(historyFile, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as DrillRecord);
  assert.deepEqual(records.slice(-2).map(({ kind }) => kind), ['mark', 'ended']);
  assert.ok(records.every((record) => record.kind !== 'request' || record.due <= ended));
});

test('a prober that cannot begin says so and leaves no process', async () => {
  const wrong = { ...plan, lanes: [laneOf('write', 'new', 'no such door', 20)] };
  await assert.rejects(openProber(wrong, { historyFile: join(folder, 'wrong.ndjson') }), (error: Error) => /the prober ended by itself with 1: /.test(error.message) && !error.message.includes('PRIVATE'));
});

test('a prober that is killed is missed at the end', async () => {
  const historyFile = join(folder, 'killed.ndjson');
  const prober = await openProber(plan, { historyFile });
  const [pid] = probers(process.pid);
  process.kill(pid!, 'SIGKILL');
  await systemClock.sleep(200);
  await assert.rejects(prober.stop(), { code: 'bug', message: /the prober ended by itself with 255/ });
  assert.match(readFileSync(historyFile, 'utf8'), /^\{"kind":"began"/);
});

test('a prober ends when kubekeep is killed, and has no secret on its command line or in its environment', async () => {
  const script = join(folder, 'parent.mjs');
  writeFileSync(script, `import { openProber } from ${JSON.stringify(new URL('./open-prober.ts', import.meta.url).href)};
    import { readPlanLine } from ${JSON.stringify(new URL('./probe-plan.ts', import.meta.url).href)};
    await openProber(readPlanLine(await new Promise((resolve) => process.stdin.once('data', (text) => resolve(String(text))))), { historyFile: ${JSON.stringify(join(folder, 'parent.ndjson'))} });
    console.log('probes');`);
  const parent = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  parent.stdin.write(`${planLine(plan)}\n`);
  await new Promise((resolve) => parent.stdout.once('data', resolve));
  const [pid] = probers(parent.pid!);
  for (const about of ['cmdline', 'environ']) assert.ok(!readFileSync(`/proc/${pid}/${about}`, 'utf8').includes('PRIVATE KEY'));
  parent.kill('SIGKILL');
  for (const end = performance.now() + 15_000; existsSync(`/proc/${pid}`) && performance.now() < end; ) await systemClock.sleep(20);
  assert.ok(!existsSync(`/proc/${pid}`));
});

/** Processes of a parent that run the prober. */
function probers(parent: number): number[] {
  return globSync('/proc/[0-9]*/stat').flatMap((path) => {
    try {
      const [, own] = /\) \S (\d+) /.exec(readFileSync(path, 'utf8')) ?? [];
      const pid = Number(path.split('/')[2]);
      return Number(own) === parent && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('prober-main') ? [pid] : [];
    } catch {
      return [];
    }
  });
}
