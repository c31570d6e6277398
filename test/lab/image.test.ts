import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import type { ProgressEvent } from '../../src/lib/progress.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { temporaryFolder } from '../support/programs.ts';

const userCache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kubekeep');

/** The image that labs use; made now if this computer has none. */
function realImage(): Promise<string> {
  return ensureImage({ release: 'trixie', cacheFolder: userCache, clock: systemClock, progress: () => {} });
}

test('the image has what machines need, and nothing of this computer or of one machine', async () => {
  const root = await realImage();
  assert.match(basename(root), /^trixie-[0-9a-f]{12}$/);
  for (const path of ['usr/sbin/sshd', 'usr/sbin/haproxy', 'usr/sbin/keepalived', 'usr/bin/socat', 'usr/bin/sudo', 'usr/sbin/nft', 'usr/lib/systemd/systemd']) assert.ok(existsSync(join(root, path)), path);
  assert.equal(readFileSync(join(root, 'etc/machine-id'), 'utf8'), '');
  assert.deepEqual(readdirSync(join(root, 'etc/ssh')).filter((name) => name.startsWith('ssh_host_')), []);
  for (const path of ['etc/resolv.conf', 'etc/hostname']) assert.ok(!lstatSync(join(root, path), { throwIfNoEntry: false }), path);
  const wants = readdirSync(join(root, 'etc/systemd/system/multi-user.target.wants'));
  assert.ok(wants.includes('ssh.service') && wants.includes('systemd-networkd.service'));
  assert.ok(!wants.includes('haproxy.service') && !wants.includes('keepalived.service'));
  assert.equal(readlinkSync(join(root, 'etc/systemd/system/apt-daily.timer')), '/dev/null');
});

test('an image that is there is found without doing anything', async () => {
  await realImage();
  const begin = performance.now();
  await realImage();
  assert.ok(performance.now() - begin < 100);
});

/** A debootstrap that copies an image, or makes half of one and hangs; its folder for PATH. */
function standIn(t: TestContext, script: string): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'debootstrap'), `#!/bin/sh\nfor last; do target=$before; before=$last; done\n${script}\n`);
  chmodSync(join(folder, 'debootstrap'), 0o755);
  return folder;
}

const maker = `
  const [, folder, cacheFolder] = process.argv;
  const { ensureImage } = await import(folder + '/programs/images/ensure-image.ts');
  const { systemClock } = await import(folder + '/lib/clock.ts');
  try {
    console.log(await ensureImage({ release: 'trixie', cacheFolder, clock: systemClock, progress: ({ title }) => console.error(title) }));
  } catch (error) {
    console.log(error.code + ': ' + error.message + ' / ' + error.hint);
  }
`;

function startMaker(cacheFolder: string, path: string) {
  const source = new URL('../../src', import.meta.url).href;
  return spawn(process.execPath, ['--input-type=module', '-e', maker, source, cacheFolder], { env: { ...process.env, PATH: `${path}:/usr/sbin:/usr/bin:/sbin:/bin` }, stdio: ['ignore', 'pipe', 'pipe'] });
}

const partials = (cacheFolder: string) => readdirSync(join(cacheFolder, 'images')).filter((name) => name.includes('.partial-'));
const running = (word: string) =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });

test('a half-made image of a killed kubekeep is never used and is removed by the next one; nothing of it keeps running', async (t) => {
  const image = await realImage();
  const cacheFolder = temporaryFolder(t);
  const killed = startMaker(cacheFolder, standIn(t, `mkdir -p "$target/etc" && touch "${cacheFolder}/begun" && sleep 4711`));
  while (!existsSync(join(cacheFolder, 'begun'))) await new Promise((resolve) => setTimeout(resolve, 50));
  killed.kill('SIGKILL');
  await once(killed, 'close');
  assert.equal(partials(cacheFolder).length, 1);
  for (let n = 0; n < 50 && running('4711').length > 0; n++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(running('4711'), []);

  const copies = standIn(t, `cp -a ${image}/. "$target"; echo once >> ${cacheFolder}/log`);
  const both = [startMaker(cacheFolder, copies), startMaker(cacheFolder, copies)];
  const [a, b] = await Promise.all(both.map((child) => text(child.stdout)));
  assert.equal(a, `${join(cacheFolder, 'images', basename(image))}\n`);
  assert.equal(b, a);
  assert.equal(readFileSync(join(cacheFolder, 'log'), 'utf8'), 'once\n');
  assert.deepEqual(partials(cacheFolder), []);
});

test('a debootstrap that fails leaves nothing and says in one sentence what it said', async (t) => {
  const cacheFolder = temporaryFolder(t);
  const child = startMaker(cacheFolder, standIn(t, 'mkdir -p "$target/etc"; echo "I: Retrieving InRelease"; echo "E: Failed getting release file http://x/Release"; exit 1'));
  assert.match(await text(child.stdout), /^lab-failed: debootstrap of Debian trixie from https?:\S+ failed: E: Failed getting release file http:\/\/x\/Release \/ Check that the Debian mirror/);
  assert.deepEqual(partials(cacheFolder), []);
});

test('without debootstrap the line that installs it is printed', async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'bin'));
  const only = join(folder, 'bin');
  for (const tool of ['env', 'setpriv', 'unshare', 'flock']) writeFileSync(join(only, tool), `#!/bin/sh\nexec /usr/bin/${tool} "$@"\n`, { mode: 0o755 });
  const source = new URL('../../src', import.meta.url).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', maker, source, join(folder, 'cache')], { env: { PATH: only, HOME: folder }, stdio: ['ignore', 'pipe', 'inherit'] });
  assert.match(await text(child.stdout), /^tool-missing: .*debootstrap.* \/ Run: apt-get install -y debootstrap systemd-container iproute2 nftables openssh-client/);
});

test('an interruption stops the work and removes what was made', async (t) => {
  const cacheFolder = temporaryFolder(t);
  const events: ProgressEvent[] = [];
  const interruption = new AbortController();
  const before = process.env['PATH'];
  process.env['PATH'] = `${standIn(t, `mkdir -p "$target/etc" && touch "${cacheFolder}/begun" && sleep 4712`)}:${before}`;
  t.after(() => (process.env['PATH'] = before));
  const making = ensureImage({ release: 'trixie', cacheFolder, clock: systemClock, progress: (event) => events.push(event), signal: interruption.signal });
  while (!existsSync(join(cacheFolder, 'begun'))) await new Promise((resolve) => setTimeout(resolve, 50));
  interruption.abort();
  await assert.rejects(making, { name: 'AbortError' });
  assert.deepEqual(partials(cacheFolder), []);
  assert.deepEqual(events.map(({ type }) => type), ['started', 'failed']);
});
