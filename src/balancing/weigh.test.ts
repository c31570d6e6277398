import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { largerLoad, loadAt, parseLoad, requestLoad, unknownLoad, withSample, type NodeLoad } from './node-load.ts';
import { leastWeight, weigh } from './weigh.ts';

type Loads = Readonly<Record<string, number>>;
const map = (values: Loads) => new Map(Object.entries(values));
/** Weights second by second. */
function course(seconds: readonly Loads[], nodes: readonly string[] = ['a', 'b'], start: Loads = {}): readonly Loads[] {
  let weights: ReadonlyMap<string, number> = map(start);
  return seconds.map((loads) => Object.fromEntries((weights = weigh(nodes, map(loads), weights))));
}
const times = (count: number, loads: Loads) => Array.from({ length: count }, () => loads);

describe('the weight of a node', () => {
  const cases: readonly (readonly [title: string, seconds: readonly Loads[], after: Loads, start?: Loads])[] = [
    ['is whole where all are as busy as each other', times(5, { a: 40, b: 44 }), { a: 100, b: 100 }],
    ['is whole where all have nothing left', times(5, { a: 100, b: 99 }), { a: 100, b: 100 }],
    ['is in proportion to what is left', times(3, { a: 70, b: 40 }), { a: 50, b: 100 }],
    ['falls to a half in a second', times(1, { a: 100, b: 20 }), { a: 50, b: 100 }],
    ['is under a fifth of both after three', times(3, { a: 100, b: 20 }), { a: 13, b: 100 }],
    ['is never nothing by load', times(20, { a: 100, b: 0 }), { a: leastWeight, b: 100 }],
    ['comes back by ten a second', times(4, { a: 20, b: 20 }), { a: 50, b: 100 }, { a: 10 }],
    ['is whole again after nine', times(9, { a: 20, b: 20 }), { a: 100, b: 100 }, { a: 10 }],
    ['comes back where its agent has no say any more', times(3, { b: 20 }), { a: 40, b: 100 }, { a: 10 }],
    ['stays where the node is a little busier', times(5, { a: 50, b: 40 }), { a: 60, b: 100 }, { a: 60 }],
    ['does not fall further where it is low enough already', times(5, { a: 70, b: 40 }), { a: 45, b: 100 }, { a: 45 }],
    ['is whole where nobody has a say', times(2, {}), { a: 100, b: 100 }],
    ['does not care for others than the nodes of the service', times(5, { a: 60, b: 60, stranger: 0, other: 0 }), { a: 100, b: 100 }],
  ];
  for (const [title, seconds, after, start] of cases) it(title, () => assert.deepEqual(course(seconds, ['a', 'b'], start).at(-1), after));

  it('is compared with the median of three, so that one that says it is idle changes nothing for the others', () => {
    assert.deepEqual(course(times(10, { liar: 0, a: 60, b: 65 }), ['liar', 'a', 'b']).at(-1), { liar: 100, a: 100, b: 100 });
  });
});

describe('a fleet whose load follows its weights', () => {
  /** Each node has its own work beside its share of the traffic, in percent of a node. Loads are seen as agents tell them: the mean of three seconds. */
  function run(nodes: readonly string[], traffic: number, own: (node: string, second: number) => number, seconds: number): readonly ReadonlyMap<string, number>[] {
    let weights: ReadonlyMap<string, number> = new Map(nodes.map((node) => [node, 100]));
    const known = new Map<string, NodeLoad>();
    return Array.from({ length: seconds }, (_, second) => {
      const all = [...weights.values()].reduce((sum, one) => sum + one, 0);
      for (const node of nodes) known.set(node, withSample(known.get(node) ?? unknownLoad, { load: Math.min(100, own(node, second) + (traffic * weights.get(node)!) / all), time: second * 1000 }));
      weights = weigh(nodes, new Map(nodes.map((node) => [node, loadAt(known.get(node)!, second * 1000)!])), weights);
      return weights;
    });
  }
  const share = (weights: ReadonlyMap<string, number>, node: string) => weights.get(node)! / [...weights.values()].reduce((sum, one) => sum + one, 0);

  for (const traffic of [20, 60, 100, 140]) {
    it(`moves away from a node whose processors are burnt within 5 s, and is even again 15 s after that, with traffic of ${traffic} % of a node`, () => {
      const seconds = run(['a', 'b'], traffic, (node, second) => (node === 'a' && second < 20 ? 100 : 0), 60);
      for (const weights of seconds.slice(5, 20)) assert.ok(traffic > 100 ? share(weights, 'a') < 0.5 : share(weights, 'a') < 0.2, `${share(weights, 'a')}`);
      for (const weights of seconds.slice(35)) assert.ok(Math.abs(share(weights, 'a') - 0.5) < 0.05, JSON.stringify(seconds.map((one) => [...one.values()])));
    });
  }

  it('comes to rest beside work that stays on one of them', () => {
    const seconds = run(['a', 'b', 'c'], 120, (node) => (node === 'a' ? 45 : 5), 120);
    const changes = seconds.slice(60).filter((weights, at) => at > 0 && weights.get('a') !== seconds[60 + at - 1]!.get('a')).length;
    assert.ok(changes <= 2, JSON.stringify(seconds.map((one) => [...one.values()])));
    assert.ok(share(seconds.at(-1)!, 'a') < 0.3);
  });
});

describe("an agent's answer", () => {
  for (const [answer, load] of [['37%\n', 63], ['100%', 0], ['0%', 100], ['101%', undefined], ['-5%', undefined], ['37', undefined], ['up 37%', undefined], ['drain', undefined], ['', undefined], ['37%37%', undefined]] as const) {
    it(`${JSON.stringify(answer)} says ${load === undefined ? 'nothing' : `a load of ${load}`}`, () => assert.equal(parseLoad(answer), load));
  }

  it('counts for three seconds, as a mean', () => {
    const load = [10, 40, 30, 50].reduce((known, one, second) => withSample(known, { load: one, time: second * 1000 }), unknownLoad);
    assert.equal(loadAt(load, 3000), 40);
    assert.equal(loadAt(load, 6000), 40);
    assert.equal(loadAt(load, 7000), undefined);
    assert.equal(loadAt(unknownLoad, 0), undefined);
  });

  it('counts at once where it leaps up, less ten points, and slowly where it falls', () => {
    const heard = (...loads: readonly number[]) => loadAt(loads.reduce((known, one, second) => withSample(known, { load: one, time: second * 1000 }), unknownLoad), 2000);
    assert.equal(heard(40, 40, 100), 90);
    assert.equal(heard(40, 100, 100), 90);
    assert.equal(heard(100, 100, 40), 80);
  });

  it('counts once in half a second, however often it is said', () => {
    const load = [10, 90, 90, 90].reduce((known, one, turn) => withSample(known, { load: one, time: turn * 100 }), unknownLoad);
    assert.equal(loadAt(load, 400), 10);
  });

  it('is not mixed with one of long ago', () => {
    assert.equal(loadAt(withSample(withSample(unknownLoad, { load: 100, time: 0 }), { load: 20, time: 60_000 }), 60_000), 20);
  });
});

describe('the load of a host that has an API server', () => {
  for (const [title, agent, requests, load] of [
    ['is the larger of what its agent says and its requests in flight', 20, 70, 70],
    ['is what the agent says where that is more', 80, 1, 80],
    ['is what the agent says where the API server does not answer', 80, undefined, 80],
    ['is unknown where the agent is silent, however many requests there are', undefined, 100, undefined],
  ] as const) it(title, () => assert.equal(largerLoad(agent, requests), load));

  it('has as many requests as it may have at the most', () => assert.deepEqual([0, 300, 600, 900, Number.POSITIVE_INFINITY].map((inFlight) => requestLoad(inFlight, 600)), [0, 50, 100, 100, 100]));
});
