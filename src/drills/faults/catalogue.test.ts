import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterOf } from '../../../test/support/seen-cluster.ts';
import { topologies } from '../../cluster/topologies.ts';
import { seededDraw } from '../../lib/seeded-draw.ts';
import type { Stage } from '../stage.ts';
import { allowanceOf } from './allowance.ts';
import { faults, findFaults } from './catalogue.ts';
import type { Aim, Fault } from './fault.ts';
import { drawPairs } from './pair.ts';

describe('the faults', () => {
  it('have ids that are used once, whatever their case', () => {
    assert.equal(new Set(faults.map(({ id }) => id.toLowerCase())).size, faults.length);
  });

  it('are at least 32 that a T3 of a lab can have', () => {
    assert.ok(faults.filter(({ obstacle }) => obstacle(clusterOf('T3')) === undefined).length >= 32);
  });

  it('of disks ask for disks of their own, and a lab can give them', () => {
    const disks = findFaults(['E7', 'E7-follower', 'E8', 'E9', 'E11', 'E11-one', 'N4-disk']);
    for (const { id, obstacle } of disks) {
      assert.match(obstacle(clusterOf('T3')) ?? '', /lab up --disks/, id);
      assert.match(obstacle(clusterOf('T3'), {}) ?? '', /lab up --disks/, id);
      assert.equal(obstacle(clusterOf('T3'), { diskSize: 2 ** 32 }), undefined, id);
    }
  });

  for (const topology of topologies) {
    it(`say in words why a ${topology} cannot have some`, () => {
      for (const { id, obstacle } of faults) assert.match(obstacle(clusterOf(topology)) ?? 'can', /^[a-z].*[a-z]$/, id);
    });
  }

  it('are found by id, in the order asked for', () => {
    assert.deepEqual(findFaults(['n1', 'E2']).map(({ id }) => id), ['N1', 'E2']);
  });

  it('that do not exist are refused with the nearest', () => {
    assert.throws(() => findFaults(['E2', 'H9']), (error: Error & { hint: string }) => /no fault H9/.test(error.message) && /H1, H2/.test(error.hint));
  });
});

describe('pairs of faults', () => {
  it('are the same for the same seed, and others for another', () => {
    const ids = (seed: number) => drawPairs(faults, 20, seededDraw(seed)).map(({ id }) => id);
    assert.deepEqual(ids(7), ids(7));
    assert.notDeepEqual(ids(7), ids(8));
  });

  it('are of two different faults, none of them planned work', () => {
    const planned = new Set(faults.filter((fault) => fault.planned).map(({ id }) => id));
    for (const { id } of drawPairs(faults, 100, seededDraw(1))) {
      const [first, second] = id.split('+') as [string, string];
      assert.notEqual(first, second);
      assert.ok(!planned.has(first) && !planned.has(second), id);
    }
  });

  it('leave out what cannot overlap', () => {
    const ids = drawPairs([fault('A', { alone: true }), fault('B'), fault('C')], 50, seededDraw(1)).map(({ id }) => id);
    assert.deepEqual([...new Set(ids)].toSorted(), ['B+C', 'C+B']);
  });

  it('may cost what both may', () => {
    const [first, second] = [{ ...fault('A'), limit: { new: 2, reused: 3 }, vipStays: true }, { ...fault('B'), limit: { new: 4, reused: 5 }, vipStays: true }];
    const [both] = drawPairs([first, second], 1, seededDraw(1)) as [Fault];
    assert.deepEqual(allowanceOf(both), { limit: { new: 7, reused: 9 }, vipStays: true, bothHold: 0 });
  });

  it('are undone power first and apply last, in whatever order they began', async () => {
    const undone: string[] = [];
    const parts = [fault('apply', { undoneLast: true }, undone), fault('script', {}, undone), fault('power', { dark: ['cp1'] }, undone)];
    const place = (id: string) => ['power', 'script', 'apply'].indexOf(id);
    for (const both of drawPairs(parts, 30, seededDraw(1))) {
      undone.length = 0;
      await (await both.aim(stage)).undo();
      assert.deepEqual(undone, both.id.split('+').toSorted((a, b) => place(a) - place(b)));
    }
  });

  it('end the one that is over within a second at once, and not the one that has no length', async () => {
    const undone: string[] = [];
    const [short, long, endless] = [{ ...fault('short', {}, undone), seconds: 0.2 }, fault('long', {}, undone), { ...fault('endless', {}, undone), seconds: 0 }];
    for (const both of drawPairs([short, long, endless], 30, seededDraw(1))) {
      undone.length = 0;
      const aim = await both.aim(stage);
      await aim.inject();
      assert.deepEqual(undone, both.id.includes('short') ? ['short'] : [], both.id);
    }
  });

  it('are both undone where one undo fails, and say so', async () => {
    const undone: string[] = [];
    const parts = [fault('good', {}, undone), fault('bad', { undo: () => Promise.reject(new Error('stuck')) })];
    for (const both of drawPairs(parts, 10, seededDraw(1))) {
      undone.length = 0;
      await assert.rejects((await both.aim(stage)).undo(), /stuck/);
      assert.deepEqual(undone, ['good']);
    }
  });
});

const stage = { draw: () => 0, operation: { clock: { sleep: async () => {} } } } as unknown as Stage;

function fault(id: string, { alone = false, ...aim }: Partial<Aim> & Pick<Fault, 'alone'> = {}, undone: string[] = []): Fault {
  return {
    id, title: id, component: 'host', needs: 'nothing', seconds: 1, alone, obstacle: () => undefined,
    aim: () => Promise.resolve({ about: id, hosts: [], inject: async () => {}, undo: async () => void undone.push(id), ...aim }),
  };
}
