import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { fetchPrograms } from '../../src/programs/fetch-programs.ts';
import { defaultVersions, familyOf, platformOf, programNames } from '../../src/programs/program.ts';
import type { Program, ProgramName } from '../../src/programs/program.ts';
import { temporaryFolder } from '../support/programs.ts';

// Compiles for real; with a warm cache that takes seconds, the first time on a computer minutes.
const userCache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubekeep');
const options = { clock: systemClock, progress: () => {} };
const platform = platformOf(process.arch)!;
const program = (name: ProgramName): Program => ({ name, version: defaultVersions[familyOf(name)], platform });

const versionCommands: Partial<Record<ProgramName, string[]>> = { kubectl: ['version', '--client'], kubeadm: ['version', '-o', 'short'], etcdctl: ['version'], etcdutl: ['version'] };

test('every program runs and says the version it was asked for', async () => {
  for (const one of await fetchPrograms(programNames.map(program), { ...options, source: { source: 'auto' }, cacheFolder: userCache })) {
    const output = execFileSync(one.path, versionCommands[one.name] ?? ['--version'], { encoding: 'utf8' });
    assert.match(output, new RegExp(`\\bv?${one.version.replaceAll('.', '\\.')}\\b`), one.name);
    assert.doesNotMatch(output, /v0\.0\.0/, one.name);
  }
});

test('compiled again, also without a Go of its own, a program has the same bytes', async (t) => {
  const wanted = [program('etcdutl')];
  const [first] = await fetchPrograms(wanted, { ...options, source: { source: 'build' }, cacheFolder: userCache });
  const before = process.env['PATH'];
  process.env['PATH'] = '/usr/sbin:/usr/bin:/sbin:/bin';
  t.after(() => (process.env['PATH'] = before));
  const [again] = await fetchPrograms(wanted, { ...options, source: { source: 'build' }, cacheFolder: temporaryFolder(t) });
  assert.notEqual(again?.path, first?.path);
  assert.equal(again?.sha256, first?.sha256);
});
