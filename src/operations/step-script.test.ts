import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { ComponentDesign } from '../render/design.ts';
import { stepExit, stepScript } from './step-script.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kubekeep-step-'));
after(() => rmSync(scratch, { recursive: true }));
let places = 0;

const token = 'a1b2c3';
const config = '/etc/kubekeep/part.cfg';
const unitFile = '/etc/systemd/system/part.service';
const design: ComponentDesign = { name: 'haproxy', unit: 'part.service', programs: {}, files: [], check: { path: config, command: 'grep -q good' }, onChange: 'restart' };

/** A host's folders with the old configuration, and commands that count themselves, note what systemd is asked for, and can be cut at one of them. */
class Place {
  readonly folder = join(scratch, String(places++));

  constructor() {
    for (const path of ['/var/lib/kubekeep', '/etc/kubekeep', '/etc/systemd/system', '/bin']) mkdirSync(this.at(path), { recursive: true });
    this.put('/var/lib/kubekeep/lock', `${token}\tsomebody\n`);
    this.put('/count', '0\n');
    this.put(config, 'old good');
    this.put(unitFile, 'old unit');
    this.put('/bin/any', `#!/bin/sh
n=0; read n < ${this.at('/count')}; n=$((n + 1)); echo $n > ${this.at('/count')}
[ $n = "$CUT_AT" ] && kill -9 0
[ "\${0##*/}" = systemctl ] && { echo "$*" >> ${this.at('/asked')}; exit 0; }
PATH=/usr/bin:/bin; exec "\${0##*/}" "$@"
`);
    chmodSync(this.at('/bin/any'), 0o755);
    for (const name of ['mkdir', 'sync', 'mv', 'cp', 'rm', 'systemctl']) symlinkSync('any', this.at(`/bin/${name}`));
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  put(path: string, text: string): void {
    writeFileSync(this.at(path), text);
  }

  read(path: string): string | undefined {
    return existsSync(this.at(path)) ? readFileSync(this.at(path), 'utf8') : undefined;
  }

  get asked(): string[] {
    return (this.read('/asked') ?? '').trim().split('\n');
  }

  get pending(): boolean {
    return existsSync(this.at('/var/lib/kubekeep/pending/part.service'));
  }

  /** Exit code of a script that believes these folders to be the host's; undefined where it was cut. */
  async run(script: string, cutAt = 0): Promise<number | undefined> {
    const here = script.replaceAll(/\/(var\/lib\/kubekeep|etc\/kubekeep|etc\/systemd)/g, (path) => this.at(path));
    // A process group of its own, which the cut ends as a whole.
    const child = spawn('sh', ['-c', here], { detached: true, stdio: 'ignore', env: { PATH: `${this.at('/bin')}:/usr/bin:/bin`, CUT_AT: String(cutAt) } });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? undefined;
  }
}

const owner = `${userInfo().username}:${userInfo().gid}`;
const files = (content: string) => [
  { path: config, content, mode: 0o644, owner },
  { path: unitFile, content: 'new unit', mode: 0o644, owner },
  { path: '/etc/kubekeep/part.key', content: 'key', mode: 0o600, owner },
];
const script = (content: string) =>
  stepScript({ token, journal: 'cp1/part restart', design, files: files(content), keys: new Map([['/etc/kubekeep/part.key', 'hash-of-key']]), activate: ['systemctl restart part.service || exit 1'] });

describe('a step', () => {
  test('writes its files, has systemd read them and restart, and leaves no note', async () => {
    const place = new Place();
    assert.equal(await place.run(script('new good')), 0);
    assert.equal(place.read(config), 'new good');
    assert.equal(place.read(`${config}.last-good`), 'old good');
    assert.equal(place.read(unitFile), 'new unit');
    assert.deepEqual(place.asked, ['daemon-reload', 'restart part.service']);
    assert.equal(place.pending, false);
    assert.match(place.read('/var/lib/kubekeep/keys')!, /^hash-of-key \S+\/etc\/kubekeep\/part\.key\n$/);
    assert.match(place.read('/var/lib/kubekeep/journal')!, /^\d{4}-\S+Z cp1\/part restart\n$/);
    assert.deepEqual(readdirSync(place.at('/etc/kubekeep')).sort(), ['part.cfg', 'part.cfg.last-good', 'part.key']);
  });

  test('whose configuration is refused leaves the old one, restarts nothing, and is seen by the next plan', async () => {
    const place = new Place();
    assert.equal(await place.run(script('broken')), stepExit.checkFailed);
    assert.equal(place.read(config), 'old good');
    assert.deepEqual(place.asked, ['']);
    assert.equal(place.pending, true);
    assert.deepEqual(readdirSync(place.at('/etc/kubekeep')).sort(), ['part.cfg', 'part.key']);
  });

  test('replaces the recorded hash of a key', async () => {
    const place = new Place();
    place.put('/var/lib/kubekeep/keys', `old ${place.at('/etc/kubekeep/part.key')}\nother ${place.at('/etc/kubekeep/other.key')}\n`);
    await place.run(script('new good'));
    assert.deepEqual(place.read('/var/lib/kubekeep/keys')!.trim().split('\n').map((line) => line.split(' ')[0]), ['other', 'hash-of-key']);
  });

  for (const [title, lock] of [['somebody else has the lock', 'ffffff\tother\n'], ['nobody has it', undefined]] as const) {
    test(`changes nothing where ${title}`, async () => {
      const place = new Place();
      if (lock) place.put('/var/lib/kubekeep/lock', lock);
      else rmSync(place.at('/var/lib/kubekeep/lock'));
      assert.equal(await place.run(script('new good')), stepExit.lockLost);
      assert.equal(place.read(config), 'old good');
      assert.deepEqual(place.asked, ['']);
    });
  }

  test('waits for the end of a step that still runs', async () => {
    const place = new Place();
    const slow = stepScript({ token, journal: 'slow', design, files: [], keys: new Map(), activate: [`: > ${place.at('/begun')}; sleep 2; systemctl slow`] });
    const first = place.run(slow);
    while (!existsSync(place.at('/begun'))) await new Promise((done) => setTimeout(done, 20));
    await place.run(script('new good'));
    await first;
    assert.deepEqual(place.asked.filter((line) => line !== 'daemon-reload'), ['slow', 'restart part.service']);
  });
});

test('a step cut at any of its commands has changed nothing, or is noted, or is done; run again, it is done', async () => {
  const counted = new Place();
  await counted.run(script('new good'));
  const commands = Number(counted.read('/count'));
  assert.ok(commands >= 12, `${commands} commands`);
  let halfDone = 0;
  for (let cutAt = 1; cutAt <= commands; cutAt += 1) {
    const place = new Place();
    assert.equal(await place.run(script('new good'), cutAt), undefined, `command ${cutAt} was not cut`);
    const untouched = place.read(config) === 'old good' && place.read(unitFile) === 'old unit' && !existsSync(place.at('/etc/kubekeep/part.key'));
    const done = place.asked.includes('restart part.service');
    if (!untouched && !done) halfDone += 1;
    assert.ok(untouched || place.pending || done, `cut at command ${cutAt}: something changed and nothing says so`);
    assert.equal(await place.run(script('new good')), 0);
    assert.deepEqual([place.read(config), place.read(unitFile), place.pending], ['new good', 'new unit', false]);
  }
  assert.ok(halfDone >= 3, `${halfDone} cuts left something half done`);
});
