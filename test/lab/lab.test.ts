import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../../src/cli/env.ts';
import { runProcess } from '../../src/hosts/process.ts';
import { createLab } from '../../src/lab/create-lab.ts';
import { destroyAllLabs, destroyLab } from '../../src/lab/destroy-lab.ts';
import { thisComputer, type Lab } from '../../src/lab/lab.ts';
import { cut, heal, readCuts } from '../../src/lab/links.ts';
import { listLabs } from '../../src/lab/list-labs.ts';
import { sshArguments } from '../../src/lab/ssh-arguments.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { labTraces } from '../support/lab-traces.ts';

const folder = await mkdtemp('/var/tmp/kubekeep-test-');
const runtimeFolder = join(folder, 'run');
const image = await ensureImage({ release: 'trixie', cacheFolder: readEnvironment().cacheFolder, progress: silent, clock: systemClock });
const create = (name: string, machines: readonly string[], more: { signal?: AbortSignal; raiseLimits?: boolean } = {}) =>
  createLab({ name, directory: join(folder, name), image, machines: machines.map((one) => ({ name: one })), runtimeFolder, progress: silent, ...more });

after(async () => {
  await destroyAllLabs({ runtimeFolder, progress: silent });
  await rm(folder, { recursive: true });
});

/** Standard output of a command on a machine; undefined where it failed or could not be reached. */
async function on(lab: Lab, machine: string, ...command: string[]): Promise<string | undefined> {
  const { exitCode, stdout } = await runProcess('ssh', sshArguments(lab, machine, command));
  return exitCode === 0 ? stdout.trim() : undefined;
}

async function reaches(lab: Lab, from: string, to: string, seconds = 0.4): Promise<boolean> {
  return (await on(lab, from, `ping -c 1 -W ${seconds} -q ${to}`)) !== undefined;
}

/** Milliseconds until a TCP connection from one machine to another's SSH was refused; undefined where it was not. */
async function refusedAfter(lab: Lab, from: string, to: string): Promise<number | undefined> {
  const said = await on(lab, from, `begin=$(date +%s%N); timeout 2 bash -c 'echo > /dev/tcp/${to}/22' 2>&1 | grep -q refused && echo $(( ($(date +%s%N) - begin) / 1000000 ))`);
  return said === undefined ? undefined : Number(said);
}

async function assertNothingLeft(): Promise<void> {
  assert.deepEqual(await labTraces(runtimeFolder), []);
  assert.deepEqual((await readdir(folder)).filter((name) => name !== 'run'), []);
  assert.deepEqual(existsSync(join(runtimeFolder, 'labs')) ? await readdir(join(runtimeFolder, 'labs')) : [], []);
}

describe('a lab', () => {
  let lab: Lab;
  let other: Lab;
  before(async () => {
    [lab, other] = await Promise.all([create('one', ['cp1', 'cp2', 'cp3']), create('two', ['cp1'])]);
  });

  test('two labs made at once have networks of their own', () => {
    assert.notEqual(lab.subnet, other.subnet);
    assert.notEqual(lab.bridge, other.bridge);
  });

  test('its machines answer by SSH with the pinned key, run all of systemd and know each other by name', async () => {
    for (const { name, address } of lab.machines) {
      assert.equal(await on(lab, name, 'hostname; id -un; systemctl is-system-running --wait'), `${name}\nroot\nrunning`);
      assert.match((await on(lab, name, 'ip -brief -4 address show host0'))!, new RegExp(`${address}/24`));
    }
    assert.ok(await reaches(lab, 'cp1', 'cp3'));
  });

  test('each machine lives in cgroups of its own', async () => {
    const groups = await Promise.all(lab.machines.map(({ name }) => on(lab, name, 'echo me > /run/mark; cat /run/mark; systemctl stop systemd-logind.service')));
    assert.deepEqual(groups, ['me', 'me', 'me']);
    const cgroups = (await labTraces(runtimeFolder)).filter((line) => line.startsWith('cgroup'));
    for (const { machineId } of [...lab.machines, ...other.machines]) assert.ok(cgroups.some((line) => line.includes(machineId)), machineId);
  });

  test('is listed with its machines, and seen as it is by a process that did not make it', async () => {
    const labs = await listLabs(runtimeFolder);
    assert.deepEqual(labs.map(({ lab: { name }, state, machines }) => [name, state, machines]), [['one', 'ready', ['on', 'on', 'on']], ['two', 'ready', ['on']]]);
  });

  test('a name or a folder that is taken is refused, and what is there stays', async () => {
    await assert.rejects(create('one', ['cp1']), { code: 'lab-exists' });
    await assert.rejects(createLab({ name: 'three', directory: lab.directory, image, machines: [{ name: 'a' }], runtimeFolder, progress: silent }), { code: 'lab-exists' });
    assert.equal(await on(lab, 'cp1', 'hostname'), 'cp1');
  });

  test('more machines than this computer has inotify instances for are refused with the figures', async () => {
    await assert.rejects(create('big', Array.from({ length: 80 }, (_, position) => `m${position}`)), { code: 'lab-unsupported', message: /84 machines .* need 1932 inotify instances/ });
  });

  test('a machine keeps its files over power off and on, and is gone from the network at once', async () => {
    await on(lab, 'cp2', 'echo kept > /root/file; sync');
    await powerOff(lab, 'cp2');
    assert.equal(await reaches(lab, 'cp1', 'cp2'), false);
    assert.deepEqual((await listLabs(runtimeFolder))[0]!.machines, ['on', 'off', 'on']);
    await powerOff(lab, 'cp2');
    await powerOn(lab, 'cp2');
    assert.equal(await on(lab, 'cp2', 'cat /root/file'), 'kept');
  });

  test('a machine that shuts itself down can be switched on again', async () => {
    await powerOff(lab, 'cp2', { graceful: true });
    await powerOn(lab, 'cp2');
    await on(lab, 'cp2', 'systemctl poweroff');
    for (let turn = 0; turn < 100 && (await listLabs(runtimeFolder))[0]!.machines[1] === 'on'; turn += 1) await sleep(50);
    await powerOn(lab, 'cp2');
    assert.equal(await on(lab, 'cp2', 'cat /root/file'), 'kept');
  });

  test('a cut link carries nothing either way, others are not touched, and healing brings it back', async () => {
    await cut(lab, 'cp1', 'cp2');
    assert.deepEqual(await Promise.all([reaches(lab, 'cp1', 'cp2'), reaches(lab, 'cp2', 'cp1'), reaches(lab, 'cp1', 'cp3'), reaches(lab, 'cp3', 'cp2')]), [false, false, true, true]);
    await heal(lab, 'cp2', 'cp1');
    // A machine that was asking for the other's address when the link was healed asks again only a second later.
    assert.ok(await reaches(lab, 'cp1', 'cp2', 3));
  });

  test('a one-way cut loses what the one sends and lets through what the other sends', async () => {
    await cut(lab, 'cp1', 'cp3', { oneWay: true });
    const received = on(lab, 'cp1', 'timeout 3 socat -u -T 3 UDP-RECV:7777,readbytes=4 STDOUT');
    const lost = on(lab, 'cp3', 'timeout 1 socat -u UDP-RECV:7777,readbytes=4 STDOUT');
    await sleep(300);
    await Promise.all([on(lab, 'cp3', 'echo yes > /dev/udp/cp1/7777'), on(lab, 'cp1', 'echo not > /dev/udp/cp3/7777')]);
    assert.equal(await received, 'yes');
    assert.equal(await lost, undefined);
    await heal(lab);
  });

  test('a rejecting cut refuses at once, also after the machine was off and on', async () => {
    await cut(lab, 'cp3', 'cp1', { reject: true });
    assert.ok((await refusedAfter(lab, 'cp3', 'cp1'))! < 500);
    assert.ok((await refusedAfter(lab, 'cp1', 'cp3'))! < 500);
    await powerOff(lab, 'cp3');
    await powerOn(lab, 'cp3');
    assert.ok((await refusedAfter(lab, 'cp3', 'cp1'))! < 500);
    assert.equal((await readCuts(lab)).length, 2);
    await heal(lab, 'cp3');
    assert.deepEqual(await readCuts(lab), []);
  });

  test('a machine can be cut off from this computer and stays linked to the others', async () => {
    await cut(lab, thisComputer, 'cp1');
    assert.equal(await on(lab, 'cp1', 'true'), undefined);
    assert.ok(await reaches(lab, 'cp2', 'cp1'));
    await heal(lab, thisComputer, 'cp1');
    assert.equal(await on(lab, 'cp1', 'hostname'), 'cp1');
  });

  test('removing one lab leaves the other, removing both leaves nothing', async () => {
    assert.notDeepEqual(await labTraces(runtimeFolder), []);
    await destroyLab('one', { runtimeFolder, progress: silent });
    assert.equal(await on(other, 'cp1', 'hostname'), 'cp1');
    await destroyLab('two', { runtimeFolder, progress: silent });
    await assertNothingLeft();
    await assert.rejects(destroyLab('two', { runtimeFolder, progress: silent }), { code: 'lab-missing' });
  });
});

test('raised limits are put back by the last lab down', async () => {
  const limit = async () => Number(await readFile('/proc/sys/fs/inotify/max_user_instances', 'utf8'));
  const before = await limit();
  await create('raised', ['cp1'], { raiseLimits: true });
  assert.ok((await limit()) >= 23 + 128);
  await destroyLab('raised', { runtimeFolder, progress: silent });
  assert.equal(await limit(), before);
});

describe('an interrupted lab up', () => {
  test('Ctrl-C takes down what was made', async () => {
    for (const delay of [100, 600]) {
      const interruption = new AbortController();
      const making = create('stopped', ['cp1', 'cp2'], { signal: interruption.signal });
      setTimeout(() => interruption.abort(), delay);
      await assert.rejects(making, { name: 'AbortError' });
      await assertNothingLeft();
    }
  });

  let interrupted = 0;
  // Milliseconds after it began; a lab of two is up after about one second.
  for (const delay of [30, 90, 150, 210, 300, 450, 700, 1500]) {
    test(`killed after ${delay} ms, lab down --all leaves nothing`, async () => {
      const options = { name: 'killed', directory: join(folder, 'killed'), image, runtimeFolder, machines: [{ name: 'cp1' }, { name: 'cp2' }] };
      const child = spawn(process.execPath, [fileURLToPath(new URL('../support/lab-up.ts', import.meta.url)), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await sleep(delay);
      child.kill('SIGKILL');
      await once(child, 'exit');
      if ((await labTraces(runtimeFolder)).length > 0) interrupted += 1;
      await destroyAllLabs({ runtimeFolder, progress: silent });
      await assertNothingLeft();
    });
  }

  test('some of those were killed while something was there', () => assert.ok(interrupted >= 3, `${interrupted} of them`));

  test('what a lab without a registry entry left is found by its names', async () => {
    const lab = await create('lost', ['cp1']);
    await cut(lab, 'cp1', thisComputer, { reject: true });
    const kinds = new Set((await labTraces(runtimeFolder)).map((line) => line.split(':')[0]));
    for (const kind of ['process', 'mount', 'interface', 'cgroup', 'table']) assert.ok(kinds.has(kind), `no ${kind} was seen while the lab was up`);
    await rm(join(runtimeFolder, 'labs', 'lost.json'));
    const { labs, strays } = await destroyAllLabs({ runtimeFolder, progress: silent });
    assert.deepEqual(labs, []);
    assert.ok(strays.length >= 3, strays.join(', '));
    assert.deepEqual(await labTraces(runtimeFolder), []);
    await rm(lab.directory, { recursive: true });
  });
});
