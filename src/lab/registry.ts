import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KubekeepError } from '../lib/errors.ts';
import type { Lab } from './lab.ts';

/** A lab as the registry keeps it. Written before anything is made, so that whatever a killed `lab up` left is found. */
export interface LabRecord {
  readonly lab: Lab;
  /** "making" until every machine answers by SSH. */
  readonly state: 'making' | 'ready';
  /** Names in the lab's directory that go away with it. */
  readonly owns: readonly string[];
}

/** All labs, by name. */
export async function readRecords(runtimeFolder: string): Promise<LabRecord[]> {
  const records = await Promise.all((await recordPaths(runtimeFolder)).map(readJson));
  return records.filter((record) => record !== undefined);
}

/** One lab; throws `lab-missing`. */
export async function readRecord(runtimeFolder: string, name: string): Promise<LabRecord> {
  const records = await readRecords(runtimeFolder);
  const record = records.find((one) => one.lab.name === name);
  if (record) return record;
  const known = records.map((one) => one.lab.name);
  throw new KubekeepError('lab-missing', `there is no lab ${name}`, { hint: known.length ? `There is ${known.join(', ')}.` : 'kubekeep lab up makes one.' });
}

export async function writeRecord(runtimeFolder: string, record: LabRecord): Promise<void> {
  await mkdir(registryFolder(runtimeFolder), { recursive: true, mode: 0o700 });
  const path = recordPath(runtimeFolder, record.lab.name);
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export async function removeRecord(runtimeFolder: string, name: string): Promise<void> {
  await rm(recordPath(runtimeFolder, name), { force: true });
}

/** Half-written files of killed processes; call it under the registry's lock. */
export async function removeTemporaryFiles(runtimeFolder: string): Promise<void> {
  const names = await readdir(registryFolder(runtimeFolder)).catch(() => []);
  await Promise.all(names.filter((name) => name.endsWith('.tmp')).map((name) => rm(join(registryFolder(runtimeFolder), name), { force: true })));
}

/** Entries that cannot be read: what they stood for is found by its names alone. */
export async function removeBrokenRecords(runtimeFolder: string): Promise<void> {
  for (const path of await recordPaths(runtimeFolder)) {
    await readJson(path).catch(() => rm(path, { force: true }));
  }
}

function registryFolder(runtimeFolder: string): string {
  return join(runtimeFolder, 'labs');
}

function recordPath(runtimeFolder: string, name: string): string {
  return join(registryFolder(runtimeFolder), `${name}.json`);
}

async function recordPaths(runtimeFolder: string): Promise<string[]> {
  const names = (await readdir(registryFolder(runtimeFolder)).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => join(registryFolder(runtimeFolder), name));
}

/** undefined where the file went away in between. */
async function readJson(path: string): Promise<LabRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LabRecord;
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new KubekeepError('lab-failed', `the lab registry's file ${path} cannot be read`, { hint: 'kubekeep lab down --all removes everything.', cause: caught });
  }
}
