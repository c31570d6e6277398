import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextMemberStep, type JoiningHost, type MemberStep, type MemberView } from './next-member-step.ts';

const joiner = (changes: Partial<JoiningHost> = {}): JoiningHost => ({ name: 'a', peerUrl: 'https://a:2380', hasData: false, etcd: 'stopped', others: ['https://b:2380', 'https://c:2380'], ...changes });
const member = (name: string, changes: Partial<MemberView> = {}): MemberView => ({ id: `id-${name}`, name, peerUrls: [`https://${name}:2380`], isLearner: false, ...changes });
const others = [member('b'), member('c')];

describe('one look, one step', () => {
  const cases: readonly (readonly [title: string, members: readonly MemberView[], host: JoiningHost, expected: MemberStep['do']])[] = [
    ['no member, no data', others, joiner(), 'add-learner'],
    ['a member whose data is gone', [...others, member('a')], joiner(), 'remove'],
    ['a learner whose data is gone', [...others, member('a', { isLearner: true })], joiner(), 'remove'],
    ['added and never started', [...others, member('a', { name: '', isLearner: true })], joiner(), 'start'],
    ['added, starting, without data yet', [...others, member('a', { name: '', isLearner: true })], joiner({ etcd: 'starting' }), 'start'],
    ['added, and ends again and again on other data', [...others, member('a', { name: '', isLearner: true })], joiner({ hasData: true }), 'remove'],
    ['a learner that runs', [...others, member('a', { isLearner: true })], joiner({ hasData: true, etcd: 'serving' }), 'promote'],
    ['a learner that is stopped', [...others, member('a', { isLearner: true })], joiner({ hasData: true }), 'start'],
    ['a voter that is stopped', [...others, member('a')], joiner({ hasData: true }), 'start'],
    ['a voter that runs', [...others, member('a')], joiner({ hasData: true, etcd: 'serving' }), 'nothing'],
    ['a voter under another name at the same address', [...others, member('old', { peerUrls: ['https://a:2380'] })], joiner({ hasData: true, etcd: 'serving' }), 'nothing'],
    ['data of a member that was removed', others, joiner({ hasData: true, etcd: 'starting' }), 'set-data-aside'],
    ['another learner of this cluster in the way', [member('c'), member('b', { isLearner: true })], joiner(), 'remove'],
  ];
  for (const [title, members, host, expected] of cases) test(`${title}: ${expected.replaceAll('-', ' ')}`, () => assert.equal(nextMemberStep(members, host).do, expected));

  const refusals: readonly (readonly [title: string, members: readonly MemberView[], host: JoiningHost, message: RegExp])[] = [
    ['two members for one host', [...others, member('a'), member('x', { peerUrls: ['https://a:2380'] })], joiner(), /etcd lists 2 members for a/],
    ['an etcd that serves somebody else', others, joiner({ hasData: true, etcd: 'serving' }), /a runs an etcd that is not a member of this cluster/],
    ['a learner that nobody knows', [...others, member('x', { isLearner: true })], joiner(), /learner that is not in the cluster file: https:\/\/x:2380/],
  ];
  for (const [title, members, host, message] of refusals) test(`${title} is refused`, () => assert.throws(() => nextMemberStep(members, host), { code: 'unsupported-change', message }));
});

/** A host as etcd and its disk have it. `old` data belongs to a member that was removed. */
interface Place {
  readonly member: 'none' | 'unstarted' | 'learner' | 'voter';
  readonly data: 'none' | 'own' | 'old';
  readonly etcd: JoiningHost['etcd'];
}

/** The joining hosts; `healthy` voters beside them are always up. */
type World = Readonly<Record<string, Place>>;

const urlOf = (name: string) => `https://${name}:2380`;

function membersOf(world: World, healthy: readonly string[]): MemberView[] {
  const joining = Object.entries(world).filter(([, place]) => place.member !== 'none');
  return [...healthy.map((name) => member(name)), ...joining.map(([name, place]) => member(name, { name: place.member === 'unstarted' ? '' : name, isLearner: place.member !== 'voter' }))];
}

function viewOf(world: World, name: string, healthy: readonly string[]): JoiningHost {
  const { data, etcd } = world[name]!;
  return { name, peerUrl: urlOf(name), hasData: data !== 'none', etcd, others: [...healthy, ...Object.keys(world)].filter((other) => other !== name).map(urlOf) };
}

/** What etcd does on a step, by its rules: it refuses what it refuses, and a member that was removed never gets through. */
function perform(world: World, name: string, step: MemberStep): World {
  const put = (who: string, change: Partial<Place>): World => ({ ...world, [who]: { ...world[who]!, ...change } });
  const place = world[name]!;
  if (step.do === 'remove') {
    const who = step.id.slice('id-'.length);
    const target = world[who]!;
    return put(who, { member: 'none', data: target.data === 'own' ? 'old' : target.data, etcd: target.etcd === 'stopped' ? 'stopped' : 'starting' });
  }
  if (step.do === 'set-data-aside') return put(name, { data: 'none', etcd: 'stopped' });
  if (step.do === 'add-learner') {
    assert.ok(Object.values(world).every((one) => one.member !== 'learner' && one.member !== 'unstarted'), 'etcd takes one learner at a time');
    assert.equal(place.member, 'none');
    return put(name, { member: 'unstarted' });
  }
  if (step.do === 'start') {
    if (place.member === 'unstarted' && place.data === 'none') return put(name, { member: 'learner', data: 'own', etcd: 'serving' });
    assert.equal(place.data, 'own', 'only its own data lets a member come back');
    return put(name, { etcd: 'serving' });
  }
  assert.equal(step.do, 'promote');
  assert.ok(place.etcd === 'serving' && place.data === 'own', 'only a learner that follows is promoted');
  return put(name, { member: 'voter' });
}

function hasQuorum(world: World, healthy: readonly string[]): boolean {
  const voters = Object.values(world).filter((place) => place.member === 'voter');
  const up = healthy.length + voters.filter(({ etcd, data }) => etcd === 'serving' && data === 'own').length;
  return up >= Math.floor((healthy.length + voters.length) / 2) + 1;
}

/** Whatever happens to a host between two steps: its power goes, its disk is new, or power comes back. */
function mishaps(world: World): World[] {
  return Object.entries(world).flatMap(([name, place]): World[] => [
    { ...world, [name]: { ...place, etcd: 'stopped' } },
    { ...world, [name]: { ...place, data: 'none', etcd: 'stopped' } },
    { ...world, [name]: { ...place, etcd: place.data === 'none' ? 'stopped' : place.data === 'own' && place.member !== 'none' ? 'serving' : 'starting' } },
  ]);
}

describe('cut after every step, from every state', () => {
  for (const [title, joining, healthy] of [
    ['one of three hosts', ['a'], ['b', 'c']],
    ['two of five hosts', ['a', 'b'], ['c', 'd', 'e']],
  ] as const) {
    const whole: World = Object.fromEntries(joining.map((name) => [name, { member: 'voter', data: 'own', etcd: 'serving' }]));
    const removedByHand: World = { ...whole, [joining[0]]: { member: 'none', data: 'old', etcd: 'starting' } };
    const seen = new Map<string, World>();
    const open = [whole, removedByHand];
    let steps = 0;

    test(`${title}: no step costs the quorum or makes a second member for an address`, () => {
      for (let world = open.pop(); world; world = open.pop()) {
        if (seen.has(JSON.stringify(world))) continue;
        seen.set(JSON.stringify(world), world);
        open.push(...mishaps(world));
        for (const name of joining) {
          const step = nextMemberStep(membersOf(world, healthy), viewOf(world, name, healthy));
          if (step.do === 'nothing') continue;
          steps += 1;
          const next = perform(world, name, step);
          assert.ok(hasQuorum(next, healthy) || !hasQuorum(world, healthy), `${JSON.stringify(world)} ${step.do}`);
          const urls = membersOf(next, healthy).flatMap(({ peerUrls }) => peerUrls);
          assert.equal(new Set(urls).size, urls.length);
          open.push(next);
        }
      }
      assert.ok(seen.size >= 10 && steps >= 9, `only ${seen.size} states and ${steps} steps were seen`);
    });

    test(`${title}: from every state the hosts in turn become voters again`, () => {
      for (const from of seen.values()) {
        let world = from;
        for (let turn = 0; turn < 2; turn += 1) for (const name of joining) world = joinWhole(world, name, healthy);
        for (const name of joining) assert.deepEqual(world[name], { member: 'voter', data: 'own', etcd: 'serving' }, JSON.stringify(from));
      }
    });
  }

  function joinWhole(from: World, name: string, healthy: readonly string[]): World {
    let world = from;
    for (let count = 0; count < 8; count += 1) {
      const step = nextMemberStep(membersOf(world, healthy), viewOf(world, name, healthy));
      if (step.do === 'nothing') return world;
      world = perform(world, name, step);
    }
    return assert.fail(`${name} does not become a voter from ${JSON.stringify(from)}`);
  }
});
