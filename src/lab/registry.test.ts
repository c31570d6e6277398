import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { layOutLab } from './layout.ts';
import { readRecord, readRecords, removeBrokenRecords, removeRecord, removeTemporaryFiles, writeRecord, type LabRecord } from './registry.ts';

const runtimeFolder = await mkdtemp(join(tmpdir(), 'kubekeep-'));
after(() => rm(runtimeFolder, { recursive: true }));

const record = (name: string): LabRecord => ({
  lab: layOutLab({ name, directory: `/labs/${name}`, image: '/i', machines: [{ name: 'cp1' }], subnetNumber: 3, runtimeFolder, hostKeys: ['ssh-ed25519 AAAA'] }),
  state: 'making',
  owns: ['machines', 'ssh'],
});

test('a computer without labs has an empty registry', async () => {
  assert.deepEqual(await readRecords(join(runtimeFolder, 'nowhere')), []);
});

test('a lab is read back as it was written, and is gone when removed', async () => {
  await writeRecord(runtimeFolder, record('b'));
  await writeRecord(runtimeFolder, record('a'));
  await writeRecord(runtimeFolder, { ...record('a'), state: 'ready' });
  assert.deepEqual(await readRecords(runtimeFolder), [{ ...record('a'), state: 'ready' }, record('b')]);
  await removeRecord(runtimeFolder, 'a');
  assert.deepEqual(await readRecords(runtimeFolder), [record('b')]);
});

test('an unknown lab is an error that names the known ones', async () => {
  await writeRecord(runtimeFolder, record('b'));
  await assert.rejects(readRecord(runtimeFolder, 'c'), { code: 'lab-missing', hint: 'There is b.' });
});

test('a half-written entry of a killed process is no lab, and is cleared away', async () => {
  await writeRecord(runtimeFolder, record('b'));
  await writeFile(join(runtimeFolder, 'labs', 'x.json.123.tmp'), '{"la');
  assert.deepEqual((await readRecords(runtimeFolder)).map(({ lab }) => lab.name), ['b']);
  await removeTemporaryFiles(runtimeFolder);
  assert.deepEqual(await readdir(join(runtimeFolder, 'labs')), ['b.json']);
});

test('a broken entry is an error that says how to get rid of it, and goes', async () => {
  await writeRecord(runtimeFolder, record('b'));
  await writeFile(join(runtimeFolder, 'labs', 'broken.json'), '{');
  await assert.rejects(readRecords(runtimeFolder), { code: 'lab-failed', hint: /--all/ });
  await removeBrokenRecords(runtimeFolder);
  assert.deepEqual((await readRecords(runtimeFolder)).map(({ lab }) => lab.name), ['b']);
});
