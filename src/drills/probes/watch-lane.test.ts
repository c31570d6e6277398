import assert from 'node:assert/strict';
import { test } from 'node:test';
import { laneContext } from '../../../test/support/lane-context.ts';
import { scriptedConnection } from '../../../test/support/scripted-connection.ts';
import type { Reply } from '../../../test/support/scripted-connection.ts';
import { systemClock } from '../../lib/clock.ts';
import { laneOf, quietWatch } from './probe-plan.ts';
import { startWatchLane } from './watch-lane.ts';

const event = (type: string, revision: number, name = 'a') => `${JSON.stringify({ type, object: { metadata: { name, resourceVersion: String(revision) }, data: { value: `v${revision}` } } })}\n`;
const list = (revision: number): Reply => ({ status: 200, text: JSON.stringify({ metadata: { resourceVersion: String(revision) } }) });
const cut = { error: 'ECONNRESET', unprocessed: false };
const lane = laneOf('watch', 'reused', 'VIP', 0);

async function watch(...replies: readonly [Reply, ...Reply[]]) {
  const connection = scriptedConnection(...replies);
  const context = laneContext(connection, lane);
  const watching = startWatchLane(context);
  const end = performance.now() + 5000;
  while (connection.calls.length < replies.length && performance.now() < end) await systemClock.sleep(10);
  await systemClock.sleep(50);
  await watching.stop();
  const told = context.records.map((record) => (record.kind === 'watched' ? `${record.type} ${record.revision} ${record.value ?? '-'} from ${record.from}` : record.kind === 'watch ended' ? `ended: ${record.why}` : ''));
  const asked = connection.calls.map(({ path }) => /resourceVersion=(\d+)/.exec(path)?.[1] ?? 'list');
  return { told, asked, revision: watching.revision };
}

test('a watch that is cut goes on after the last event; one that is too old begins with a new list', async () => {
  const { told, asked, revision } = await watch(
    list(10),
    { status: 200, text: event('ADDED', 12) + event('BOOKMARK', 20).replace('"data":{"value":"v20"}', '"kind":"x"'), failure: cut },
    { status: 200, text: event('MODIFIED', 21) + JSON.stringify({ type: 'ERROR', object: { code: 410 } }) + '\n', open: true },
    list(40),
    { status: 410, text: '{}' },
    list(50),
    { status: 200, text: event('DELETED', 51), open: true },
  );
  assert.deepEqual(asked, ['list', '10', '20', 'list', '40', 'list', '50']);
  assert.deepEqual(told, ['ADDED 12 v12 from 10', 'BOOKMARK 20 - from 10', 'ended: cut', 'MODIFIED 21 v21 from 20', 'ended: 410', 'ended: 410', 'DELETED 51 v51 from 50', 'ended: asked']);
  assert.equal(revision, 51);
});

test('a list that fails is asked again; a server that is busy is left alone as long as it says', async () => {
  const start = performance.now();
  const { told, asked } = await watch({ status: 503 }, list(5), { status: 429, retryAfter: 1 }, { status: 200, text: '', open: true });
  assert.deepEqual(asked, ['list', 'list', '5', '5']);
  assert.deepEqual(told, ['ended: status 429', 'ended: asked']);
  assert.ok(performance.now() - start > 1200);
});

test('an event that comes in pieces is one event', async () => {
  const whole = event('ADDED', 12);
  const connection = scriptedConnection(list(1), { open: true });
  const context = laneContext({ ...connection, begin: (call, listener) => {
    const leave = connection.begin(call, listener);
    if (call.path.includes('watch')) setImmediate(() => {
      listener.onHead?.(200, undefined);
      for (const piece of [whole.slice(0, 9), whole.slice(9, 30), whole.slice(30)]) listener.onText?.(piece);
    });
    return leave;
  } }, lane);
  const watching = startWatchLane(context);
  while (watching.revision < 12) await systemClock.sleep(10);
  await watching.stop();
  assert.deepEqual(context.records.map(({ kind }) => kind), ['watched', 'watch ended']);
});

test('a quiet watch asks for what nobody writes and for no bookmarks, and goes on where it was cut', async () => {
  const connection = scriptedConnection(list(7), { status: 200, text: '', failure: cut }, { status: 200, text: '', open: true });
  const context = laneContext(connection, quietWatch());
  const watching = startWatchLane(context, { quiet: true });
  while (connection.calls.length < 3) await systemClock.sleep(10);
  await watching.stop();
  for (const { path } of connection.calls.slice(1)) assert.match(path, /fieldSelector=metadata\.name%3Dquiet&resourceVersion=7&/);
  assert.doesNotMatch(connection.calls[1]!.path, /[bB]ookmarks/);
  assert.deepEqual(context.records.map((record) => (record.kind === 'watch ended' ? `${record.lane}: ${record.why}` : record.kind)), ['quiet watch, VIP: cut', 'quiet watch, VIP: asked']);
});
