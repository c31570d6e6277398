import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { KubekeepError } from '../lib/errors.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import type { Host } from '../hosts/host.ts';
import { localHost } from '../hosts/local.ts';
import { aHost } from '../../test/support/example-cluster.ts';
import { lockGuard, takeLock } from './lock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kubekeep-lock-'));
after(() => rmSync(scratch, { recursive: true }));
let places = 0;

/** Three hosts, each a folder of this computer. */
class ThreeHosts {
  readonly #folders = ['a', 'b', 'c'].map((name) => [name, join(scratch, String(places++))] as const);
  readonly #silent = new Set<string>();
  readonly hosts = new Map(this.#folders.map(([name, folder]) => [name, this.#host(name, folder)]));

  #host(name: string, folder: string): Host {
    mkdirSync(folder);
    const local = localHost(name);
    return {
      ...local,
      run: async (script, options) => {
        if (this.#silent.has(name)) throw new KubekeepError('host-unreachable', `${name}: no answer`);
        return local.run(script.replaceAll('/var/lib/kubekeep', folder), options);
      },
    };
  }

  silence(...names: string[]): void {
    this.#silent.clear();
    for (const name of names) this.#silent.add(name);
  }

  /** The fields of the lock on each host; undefined where there is none. */
  get locks(): (readonly string[] | undefined)[] {
    return this.#folders.map(([, folder]) => (existsSync(join(folder, 'lock')) ? readFileSync(join(folder, 'lock'), 'utf8').trim().split('\t') : undefined));
  }

  /** Changes fields of the lock on every host. */
  change(change: (fields: readonly string[]) => readonly string[]): void {
    for (const [, folder] of this.#folders) {
      const path = join(folder, 'lock');
      if (existsSync(path)) writeFileSync(path, `${change(readFileSync(path, 'utf8').trim().split('\t')).join('\t')}\n`);
    }
  }

  take(user: string, clock: Clock = systemClock) {
    return takeLock(this.hosts, { user, clock, signal: new AbortController().signal });
  }

  /** Whether a script with this token would change the first host. */
  async lets(token: string): Promise<boolean> {
    return (await this.hosts.get('a')!.run(`${lockGuard(token)}\nexit 0`)).exitCode === 0;
  }
}

const field = { token: 0, owner: 1, machine: 2, pid: 3, started: 4, since: 5, until: 6, boot: 7 };
const withField = (position: number, value: string) => (fields: readonly string[]) => fields.with(position, value);

/** A clock whose sleepers are woken by hand. */
function handClock(): Clock & { wake(): void; pass(ms: number): void } {
  const sleepers = new Set<() => void>();
  let passed = 0;
  return {
    now: () => Date.UTC(2026, 10, 23) + passed,
    monotonic: () => passed,
    sleep: (_, signal) => new Promise((resolve, reject) => {
      sleepers.add(resolve);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
    wake: () => {
      for (const resolve of sleepers) resolve();
      sleepers.clear();
    },
    pass: (ms) => void (passed += ms),
  };
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn += 1) {
    assert.ok(turn < 500, 'it does not happen');
    await systemClock.sleep(20);
  }
}

describe('the lock', () => {
  test('is on every host while it is held, lets its owner\'s scripts run and no other\'s, and is gone afterwards', async () => {
    const three = new ThreeHosts();
    {
      await using lock = await three.take('ann');
      assert.deepEqual(three.locks.map((fields) => fields?.[field.token]), [lock.token, lock.token, lock.token]);
      assert.equal(await three.lets(lock.token), true);
      assert.equal(await three.lets('0'.repeat(24)), false);
    }
    assert.deepEqual(three.locks, [undefined, undefined, undefined]);
  });

  test('is refused to a second one, who is told who has it since when', async () => {
    const three = new ThreeHosts();
    await using lock = await three.take('ann');
    await assert.rejects(three.take('bob'), { code: 'lock-held', message: new RegExp(`^ann@\\S+ pid ${process.pid} is working on this cluster since ${three.locks[0]![field.since]}$`) });
    assert.equal(await three.lets(lock.token), true);
  });

  test('goes to exactly one of several who want it at the same moment', async () => {
    const three = new ThreeHosts();
    const settled = await Promise.allSettled(['ann', 'bob', 'cid'].map((user) => three.take(user)));
    const won = settled.filter((one) => one.status === 'fulfilled');
    assert.equal(won.length, 1);
    for (const one of settled) if (one.status === 'rejected') assert.equal((one.reason as KubekeepError).code, 'lock-held');
    assert.deepEqual(three.locks.map((fields) => fields?.[field.token]), Array<string>(3).fill(won[0]!.value.token));
    await won[0]!.value[Symbol.asyncDispose]();
  });

  test('needs a majority of the hosts', async () => {
    const three = new ThreeHosts();
    three.silence('c');
    {
      await using lock = await three.take('ann');
      assert.equal(await three.lets(lock.token), true);
    }
    three.silence('a', 'c');
    await assert.rejects(three.take('ann'), { code: 'host-unreachable', message: 'the lock needs a majority of the 3 hosts, and 1 answered: not a, c' });
    three.silence();
    assert.deepEqual(three.locks, [undefined, undefined, undefined]);
  });

  test('of an owner who lost sight of a host is not taken there by another', async () => {
    const three = new ThreeHosts();
    three.silence('c');
    await using _ = await three.take('ann');
    three.silence();
    await assert.rejects(three.take('bob'), { code: 'lock-held', message: /^ann@/ });
    assert.equal(three.locks[2], undefined);
  });
});

describe('the lock of a dead owner', () => {
  const dead = String(spawnSync('true').pid);
  const cases: readonly (readonly [title: string, change: (fields: readonly string[]) => readonly string[], taken: boolean])[] = [
    ['on this computer is taken over at once', withField(field.pid, dead), true],
    ['whose process id another process has now is taken over at once', withField(field.started, '1'), true],
    ['elsewhere is kept as long as it lasts', (fields) => withField(field.machine, 'another')(withField(field.pid, dead)(fields)), false],
    ['elsewhere is taken over when it has run out', (fields) => withField(field.machine, 'another')(withField(field.until, '1')(fields)), true],
    ['is void after the host was started again', (fields) => withField(field.machine, 'another')(withField(field.boot, 'earlier')(fields)), true],
  ];
  for (const [title, change, taken] of cases) {
    test(title, async () => {
      const three = new ThreeHosts();
      const clock = handClock();
      await using before = await three.take('ann', clock);
      three.change(change);
      if (!taken) {
        await assert.rejects(three.take('bob'), { code: 'lock-held' });
        return;
      }
      await using after_ = await three.take('bob');
      assert.equal(await three.lets(before.token), false);
      assert.equal(await three.lets(after_.token), true);
    });
  }

  test('is not given on before a step that it left behind has ended', async () => {
    const three = new ThreeHosts();
    const clock = handClock();
    await using before = await three.take('ann', clock);
    const [begun, ended] = ['begun', 'ended'].map((name) => join(scratch, name)) as [string, string];
    const step = three.hosts.get('b')!.run(`${lockGuard(before.token)}\n: > ${begun}; sleep 0.7; : > ${ended}`);
    await until(() => existsSync(begun));
    three.change(withField(field.pid, dead));
    await using _ = await three.take('bob');
    assert.ok(existsSync(ended));
    await step;
  });
});

describe('while it is held', () => {
  test('it is renewed', async () => {
    const three = new ThreeHosts();
    const clock = handClock();
    await using _ = await three.take('ann', clock);
    three.change(withField(field.until, '1'));
    clock.wake();
    await until(() => three.locks.every((fields) => Number(fields?.[field.until]) > 1));
  });

  test('it survives the loss of one host, and is lost with the majority once the lease has passed', async () => {
    const three = new ThreeHosts();
    const clock = handClock();
    await using lock = await three.take('ann', clock);
    const turn = async (ms: number) => {
      clock.pass(ms);
      clock.wake();
      await systemClock.sleep(300);
    };
    three.silence('a');
    await turn(16_000);
    assert.equal(lock.lost.aborted, false);
    three.silence('a', 'b');
    await turn(5000);
    assert.equal(lock.lost.aborted, false);
    await turn(11_000);
    await until(() => lock.lost.aborted);
    assert.equal((lock.lost.reason as KubekeepError).code, 'lock-lost');
  });

  test('an owner who was paused while another took over changes nothing more, and never takes it back', async () => {
    const three = new ThreeHosts();
    const clock = handClock();
    await using paused = await three.take('ann', clock);
    three.change(withField(field.until, '1'));
    {
      await using other = await three.take('bob');
      clock.wake();
      await systemClock.sleep(300);
      assert.equal(await three.lets(paused.token), false);
      assert.equal(await three.lets(other.token), true);
    }
    clock.wake();
    await systemClock.sleep(300);
    assert.equal(await three.lets(paused.token), false);
    assert.deepEqual(three.locks, [undefined, undefined, undefined]);
  });
});

test('workers have no say in who has the lock, and those that answer get it', async () => {
  const three = new ThreeHosts();
  const cluster = { hosts: ['a', 'b', 'c'].map((name) => aHost({ name, roles: name === 'a' ? ['etcd', 'control-plane', 'load-balancer'] : ['worker'] })) };
  const take = () => takeLock(three.hosts, { user: 'ann', clock: systemClock, signal: new AbortController().signal, cluster });
  three.silence('b', 'c');
  await (await take())[Symbol.asyncDispose]();
  three.silence('c');
  const lock = await take();
  assert.deepEqual(three.locks.map((fields) => fields?.[field.token]), [lock.token, lock.token, undefined]);
  await lock[Symbol.asyncDispose]();
  three.silence('a');
  await assert.rejects(take(), /the lock needs a majority of the 1 hosts, and 0 answered: not a$/);
});

test('Ctrl-C while the lock is taken leaves none behind', async () => {
  const three = new ThreeHosts();
  const interruption = new AbortController();
  const taking = takeLock(three.hosts, { user: 'ann', clock: systemClock, signal: interruption.signal });
  setTimeout(() => interruption.abort(new KubekeepError('interrupted', 'stopped by SIGINT')), 20);
  await taking.then((lock) => lock[Symbol.asyncDispose](), (error: KubekeepError) => assert.equal(error.code, 'interrupted'));
  assert.deepEqual(three.locks, [undefined, undefined, undefined]);
});
