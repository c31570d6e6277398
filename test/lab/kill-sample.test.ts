import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { killOnce, type KillPoint } from '../support/kill-apply.ts';
import { labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

/** Events of a T3 build: 23 steps, each started and done. `npm run test:kill-all` takes all of them. */
const events = 46;
const seed = Number(process.env['KUBEKEEP_TEST_SEED'] ?? Math.floor(Date.now() / 86_400_000));
const draw = seededDraw(seed);
const points: readonly KillPoint[] = [
  { event: 1 + Math.floor(draw() * (events - 1)), delay: Math.floor(draw() * 1000) },
  { event: 1 + Math.floor(draw() * (events - 1)), delay: Math.floor(draw() * 1000), power: true },
];

describe(`a build that is killed (KUBEKEEP_TEST_SEED=${seed})`, () => {
  let it3: LabCluster;
  before(async () => {
    it3 = await labCluster('T3', 'test-kill-sample');
  });
  after(() => it3[Symbol.asyncDispose]());

  for (const point of points) {
    it(`${point.delay} ms after event ${point.event} of ${events}${point.power ? ', with the power of all hosts' : ''} is finished by the next apply`, async () => {
      assert.deepEqual((await killOnce(it3, point)).problems, []);
    });
  }
});
