import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { clearAttemptScript, endScript, finalScript, forgetScript, lookScript, makeDataScript, placeDataScript, serveKeptScript, type Looking } from './host-scripts.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kubekeep-restore-scripts-'));
after(() => rmSync(scratch, { recursive: true }));
let places = 0;
const token = 'a1b2c3';
const [member, kept] = ['/var/lib/etcd/member', (id: string) => `/var/lib/etcd.before-restore-${id}`];

/** A host's folders. Its etcd is stopped, and etcdutl makes data that says of which snapshot it is. */
class Place {
  readonly folder = join(scratch, String(places++));

  constructor() {
    for (const path of ['/var/lib/kubekeep', '/var/lib/etcd', '/etc/kubekeep', '/bin']) mkdirSync(this.at(path), { recursive: true });
    writeFileSync(this.at('/var/lib/kubekeep/lock'), `${token}\tsomebody\n`);
    this.holds(member, 'first');
    this.program('systemctl', '[ "$1" != is-active ]');
    this.program('chown', 'true');
    this.program('systemd-run', 'true');
    // snapshot restore FILE --data-dir W …; snapshot status FILE …
    this.program('etcdutl', 'case $2 in restore) mkdir -p "$5/member/snap" && cp "$3" "$5/member/snap/db";; status) echo "{\\"revision\\":$(wc -c < "$3")}";; esac');
  }

  at(path: string): string {
    return join(this.folder, path);
  }

  program(name: string, lines: string): void {
    writeFileSync(this.at(`/bin/${name}`), `#!/bin/sh\n${lines}\n`);
    chmodSync(this.at(`/bin/${name}`), 0o755);
  }

  /** Data of an etcd that has this word. */
  holds(path: string, word: string): void {
    mkdirSync(this.at(`${path}/snap`), { recursive: true });
    writeFileSync(this.at(`${path}/snap/db`), word);
  }

  word(path: string): string | undefined {
    return existsSync(this.at(`${path}/snap/db`)) ? readFileSync(this.at(`${path}/snap/db`), 'utf8') : undefined;
  }

  read(name: string): string | undefined {
    return existsSync(this.at(`/var/lib/kubekeep/${name}`)) ? readFileSync(this.at(`/var/lib/kubekeep/${name}`), 'utf8') : undefined;
  }

  /** A script that believes these folders to be the host's. */
  run(script: string): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
    const here = script.replaceAll(/\/(var\/lib|etc\/kubekeep|etc\/systemd)/g, (path) => this.at(path));
    const { status, stdout, stderr } = spawnSync('sh', ['-c', here], { encoding: 'utf8', env: { PATH: `${this.at('/bin')}:/usr/bin:/bin` } });
    return { code: status, stdout, stderr };
  }

  /** The data of an attempt of a restore, made and put in place; exit codes of both. */
  restores(id: string, attempt: number, word: string, undoes?: string): readonly (number | null)[] {
    writeFileSync(this.at('/var/lib/kubekeep/snapshot'), word);
    const data = { token, id, attempt: `${id}.${attempt}`, undoes };
    const made = this.run(makeDataScript({ ...data, etcdutl: 'etcdutl', snapshot: '/var/lib/kubekeep/snapshot', name: 'cp1', peerUrl: 'https://10.0.0.1:2380', initialCluster: '', bump: 1 }));
    return [made.code, this.run(placeDataScript(data)).code];
  }

  look(about: Omit<Looking, 'etcdutl'>): string[] {
    return this.run(lookScript({ ...about, etcdutl: this.at('/bin/etcdutl') })).stdout.trim().split('\n').filter((line) => !line.startsWith('free '));
  }
}

describe('on a host', () => {
  test('data of before is kept, and an attempt replaces that of the attempt before', () => {
    const place = new Place();
    assert.deepEqual(place.restores('a', 1, 'second'), [0, 0]);
    assert.deepEqual([place.word(member), place.word(`${kept('a')}/member`), place.read('restored')], ['second', 'first', 'a.1\n']);
    assert.deepEqual(place.restores('a', 2, 'third'), [0, 0]);
    assert.deepEqual([place.word(member), place.word(`${kept('a')}/member`), place.read('restored')], ['third', 'first', 'a.2\n']);
  });

  test('data of an attempt before is not put in place', () => {
    const place = new Place();
    place.restores('a', 1, 'second');
    writeFileSync(place.at('/var/lib/kubekeep/snapshot'), 'third');
    place.run(makeDataScript({ token, id: 'a', attempt: 'a.2', etcdutl: 'etcdutl', snapshot: '/var/lib/kubekeep/snapshot', name: 'cp1', peerUrl: '', initialCluster: '', bump: 1 }));
    assert.match(place.run(placeDataScript({ token, id: 'a', attempt: 'a.3', undoes: undefined })).stderr, /no data was made/);
    assert.equal(place.word(member), 'second');
  });

  for (const [title, end] of [
    ['was opened', (place: Place) => place.run(finalScript(token, 'a'))],
    ['is undone', (place: Place) => place.restores('b', 1, 'back', 'a')],
  ] as const) test(`a restore that ${title} replaces nothing any more, and removes nothing`, () => {
    const place = new Place();
    place.restores('a', 1, 'second');
    end(place);
    place.holds(member, 'written since');
    assert.deepEqual(place.restores('a', 2, 'third'), [1, 1]);
    assert.equal(place.run(clearAttemptScript(token, 'a')).code, 1);
    assert.equal(place.word(member), 'written since');
    assert.deepEqual(place.look({ begun: 'a', undoes: undefined }).filter((line) => line === 'final'), ['final']);
  });

  test('a host that replaced nothing is not told that the restore is opened, and keeps what it has when another one comes', () => {
    const place = new Place();
    assert.equal(place.run(finalScript(token, 'a')).code, 0);
    assert.deepEqual([place.restores('a', 1, 'second'), place.word(`${kept('a')}/member`)], [[0, 0], 'first']);
  });

  test('what an attempt has made counts as room, and goes; what is kept stays', () => {
    const place = new Place();
    const replaced = () => Number(/^replaced (\d+)$/m.exec(place.look({ begun: 'a', undoes: undefined }).join('\n'))?.[1]);
    assert.equal(replaced(), 0);
    place.restores('a', 1, 'x'.repeat(100_000));
    assert.ok(replaced() >= 100_000 && replaced() < 200_000, String(replaced()));
    assert.equal(place.run(clearAttemptScript(token, 'a')).code, 0);
    assert.deepEqual([replaced(), place.word(member), place.word(`${kept('a')}/member`)], [0, undefined, 'first']);
    assert.deepEqual([place.restores('a', 2, 'third'), place.word(member), place.word(`${kept('a')}/member`)], [[0, 0], 'third', 'first']);
  });

  test('a roll-back that goes on reads what was kept before the restore, or else what it has kept itself', () => {
    const [with0, without] = [new Place(), new Place()];
    with0.restores('a', 1, 'second');
    for (const place of [with0, without]) place.restores('b', 1, 'of the roll-back', 'a');
    for (const place of [with0, without]) {
      assert.ok(place.look({ begun: 'b', undoes: 'a' }).includes(`kept ${'first'.length} ${'first'.length}`), place.look({ begun: 'b', undoes: 'a' }).join());
      place.run(serveKeptScript(token, { id: 'b', undoes: 'a', etcd: 'etcd', name: 'cp1' }));
      assert.equal(place.word('/var/lib/etcd.restoring/member'), 'first');
    }
  });

  test('what is over is noted once, beside what was, before the note of it goes', () => {
    const place = new Place();
    writeFileSync(place.at('/var/lib/kubekeep/restoring'), '{}');
    assert.equal(place.run(forgetScript(token, ['a'])).code, 0);
    assert.equal(place.run(endScript(token, ['b', 'a'])).code, 0);
    assert.equal(place.run(endScript(token, ['c'])).code, 0);
    assert.deepEqual([place.read('restores-ended'), place.read('restoring')], ['a\nb\nc\n', undefined]);
  });
});
