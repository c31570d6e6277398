import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bridgeMac, layOutLab, networkPrefix, runtimeTag, subnetCount, subnetNumberOf } from './layout.ts';

const layOut = (subnetNumber: number, names: readonly string[], name = 'a', runtimeFolder = '/run/kubekeep') =>
  layOutLab({ name, directory: '/d', image: '/i', machines: names.map((one) => ({ name: one })), subnetNumber, runtimeFolder, hostKeys: names.map((one) => `key of ${one}`) });

test('machines get the addresses from .11 on and their own host keys', () => {
  const lab = layOut(300, ['cp1', 'cp2']);
  assert.equal(lab.subnet, '198.19.44.0/24');
  assert.equal(lab.gateway, '198.19.44.1');
  assert.deepEqual(lab.machines.map(({ name, address, hostKey }) => [name, address, hostKey]), [['cp1', '198.19.44.11', 'key of cp1'], ['cp2', '198.19.44.12', 'key of cp2']]);
});

test('machines run containers only where that was asked for', () => {
  const { machines } = layOutLab({ name: 'a', directory: '/d', image: '/i', machines: [{ name: 'cp1' }, { name: 'node1', kind: 'pods' }], subnetNumber: 1, runtimeFolder: '/run/kubekeep', hostKeys: ['1', '2'] });
  assert.deepEqual(machines.map(({ kind }) => kind), ['plain', 'pods']);
});

test('names fit into what the kernel takes: 15 characters for an interface, and the cable is vb- with the machine id', () => {
  for (const subnetNumber of [0, 255, 256, subnetCount - 1]) {
    const lab = layOut(subnetNumber, Array.from({ length: 80 }, (_, position) => `m${position}`));
    assert.match(lab.bridge, /^kk[0-9a-f]{8}$/);
    for (const machine of lab.machines) {
      assert.equal(machine.machineId.length, 12);
      assert.equal(machine.interface, `vb-${machine.machineId}`);
      assert.equal(machine.interface.length, 15);
      assert.match(machine.mac, /^02(:[0-9a-f]{2}){5}$/);
    }
  }
});

test('no two labs share a name on the computer, whatever their subnets', () => {
  const names = [0, 1, 16, 255, 256, 511].flatMap((subnetNumber) => {
    const lab = layOut(subnetNumber, ['a', 'b', 'c']);
    return [lab.bridge, lab.table, bridgeMac(lab), ...lab.machines.flatMap((machine) => [machine.machineId, machine.interface, machine.mac, machine.address])];
  });
  assert.equal(new Set(names).size, names.length);
});

test('what belongs to a run-time folder carries its tag, and not that of another', () => {
  const lab = layOut(7, ['a'], 'a', '/run/other');
  const tag = runtimeTag('/run/other');
  assert.notEqual(tag, runtimeTag('/run/kubekeep'));
  for (const name of [lab.bridge, lab.machines[0]!.machineId]) assert.ok(name.startsWith(tag));
  assert.ok(lab.table.startsWith(`kubekeep_${tag}_`));
});

test('a container that shares the network with its computer has a tag of its own there', () => {
  assert.notEqual(runtimeTag('/run/kubekeep', 'one'), runtimeTag('/run/kubekeep', 'other'));
  assert.equal(runtimeTag('/run/kubekeep', 'one'), runtimeTag('/run/kubekeep', 'one'));
});

test('a subnet is recognised by any address in it', () => {
  for (const number of [0, 255, 256, 511]) assert.equal(subnetNumberOf(`${networkPrefix(number)}.77`), number);
  assert.equal(subnetNumberOf('198.20.0.1'), undefined);
  assert.equal(subnetNumberOf('10.18.0.1'), undefined);
});

const refused: readonly [title: string, lab: string, machines: readonly string[]][] = [
  ['a lab called ../x', '../x', ['a']],
  ['an upper-case machine', 'a', ['CP1']],
  ['a machine with the word for this computer', 'a', ['computer']],
  ['two machines of one name', 'a', ['x', 'x']],
  ['a lab without machines', 'a', []],
  ['a lab with more machines than addresses before the VIP', 'a', Array.from({ length: 81 }, (_, position) => `m${position}`)],
];
for (const [title, lab, machines] of refused) {
  test(`refused: ${title}`, () => assert.throws(() => layOut(0, machines, lab), { code: 'usage' }));
}
