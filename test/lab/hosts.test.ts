import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../../src/cli/env.ts';
import { hostConformance } from '../../src/hosts/host.conformance.ts';
import type { Host } from '../../src/hosts/host.ts';
import type { SshTarget } from '../../src/hosts/ssh-target.ts';
import { sshHost } from '../../src/hosts/ssh.ts';
import { createLab } from '../../src/lab/create-lab.ts';
import { destroyAllLabs } from '../../src/lab/destroy-lab.ts';
import { findMachine, loginOf, thisComputer, type Lab } from '../../src/lab/lab.ts';
import { cut, heal } from '../../src/lab/links.ts';
import { powerOff, powerOn } from '../../src/lab/power.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { oddShell } from '../support/odd-shell.ts';
import { withOwnSshFiles } from '../support/own-home.ts';

const folder = await mkdtemp('/var/tmp/kubekeep-test-');
const runtimeFolder = join(folder, 'run');
const sockets = join(runtimeFolder, 'ssh');
const image = await ensureImage({ release: 'trixie', cacheFolder: readEnvironment().cacheFolder, progress: silent, clock: systemClock });
const lab: Lab = await createLab({ name: 'test-hosts', directory: join(folder, 'lab dir'), image, machines: [{ name: 'one' }, { name: 'two' }], runtimeFolder, progress: silent });
const users = ['sudoer', 'asked', 'nosudo', 'noisy', 'odd', 'locked', 'forced'] as const;
const opened: Host[] = [];

await using root = closing(hostOf('one'));
await prepare();

after(async () => {
  await Promise.all(opened.map((host) => host.close()));
  await destroyAllLabs({ runtimeFolder, progress: silent });
  await rm(folder, { recursive: true });
});

function hostOf(machine: string, changes: Partial<SshTarget> = {}, { connectTimeout = 5 } = {}): Host {
  const target = { ...loginOf(lab, findMachine(lab, machine)), name: machine, ...changes };
  const host = sshHost(target, { folder: sockets, knownHosts: join(folder, 'known hosts'), connectTimeout });
  opened.push(host);
  return host;
}

function closing(host: Host): Host & AsyncDisposable {
  return { ...host, [Symbol.asyncDispose]: () => host.close() };
}

/** Users of many kinds on the first machine, with the lab's own key. */
async function prepare(): Promise<void> {
  const script = `set -e
for u in ${users.join(' ')}; do
  useradd -m -s /bin/bash $u
  mkdir -m 0700 /home/$u/.ssh; cp /root/.ssh/authorized_keys /home/$u/.ssh/; chown -R $u:$u /home/$u/.ssh
done
echo 'sudoer ALL=(root) NOPASSWD: ALL
noisy ALL=(root) NOPASSWD: ALL
odd ALL=(root) NOPASSWD: ALL
asked ALL=(root) ALL' > /etc/sudoers.d/test
for f in .bashrc .profile; do { echo 'echo "Welcome to \\$(hostname)"; echo warning: something >&2; printf "no newline"'; } > /home/noisy/$f; done
cat > /usr/local/bin/odd-shell <<'END'
${oddShell}
END
chmod 0755 /usr/local/bin/odd-shell
usermod -s /usr/local/bin/odd-shell odd
usermod -s /usr/sbin/nologin locked
sed -i 's/^/command="uptime" /' /home/forced/.ssh/authorized_keys
echo 'Unauthorised access is forbidden.' > /etc/issue.net
printf 'Banner /etc/issue.net\\nMaxStartups 100\\n' > /etc/ssh/sshd_config.d/20-test.conf
echo LANG=de_DE.ISO-8859-1 > /etc/default/locale
systemctl reload ssh`;
  const { exitCode, stderr } = await root.run(script);
  assert.equal(exitCode, 0, stderr);
}

const gateway = lab.gateway;
hostConformance('a host by SSH as root', { open: () => hostOf('one'), owner: 'root:root', otherOwner: 'nobody:nogroup', addressOfThisComputer: gateway });

describe('logins', () => {
  const whole = async (host: Host) => {
    const { stdout, stderr } = await host.run('id -un; echo $LC_ALL; echo problem >&2');
    assert.deepEqual([stdout, stderr], ['root\nC\n', 'problem\n']);
    await host.write([{ path: '/root/from user', content: "it's", mode: 0o640 }]);
    const source = join(folder, 'upload');
    await writeFile(source, 'echo program\n');
    await host.upload({ source, target: "/opt/from/it's", mode: 0o755, sha256: '2e3f2d3ee2b1f1f3bd3f1b5b0a' }).then(() => assert.fail('a wrong checksum was taken'), (error: { code?: string }) => assert.equal(error.code, 'program-checksum'));
    assert.equal((await host.run("cat '/root/from user'; stat -c '%a %U' '/root/from user'; ls -A /opt/from; rm -rf /opt/from '/root/from user'")).stdout, "it's640 root\n");
    const timed = await host.run('sleep 30', { timeout: 500 });
    assert.equal(timed.timedOut, true);
  };

  test('a user with sudo works as root does', async () => whole(hostOf('one', { user: 'sudoer' })));
  test('a login shell that prints at its start, on both outputs and without a newline, changes nothing', async () => whole(hostOf('one', { user: 'noisy' })));
  test('a login shell that is not POSIX (fish, csh) changes nothing', async () => whole(hostOf('one', { user: 'odd' })));

  const refused: readonly { title: string; changes: Partial<SshTarget>; code: string; message: RegExp; exitCode: number }[] = [
    { title: 'sudo that asks for a password', changes: { user: 'asked' }, code: 'host-login', message: /^one \(asked@[\d.]+\): sudo asks asked for a password$/, exitCode: 2 },
    { title: 'a user that sudo does not know', changes: { user: 'nosudo' }, code: 'host-login', message: /sudo/, exitCode: 2 },
    { title: 'a shell that runs nothing', changes: { user: 'locked' }, code: 'host-login', message: /runs no commands: This account is currently not available/, exitCode: 2 },
    { title: 'a forced command', changes: { user: 'forced' }, code: 'host-login', message: /runs no commands: .*load average/, exitCode: 2 },
    { title: 'a user that does not exist', changes: { user: 'nobody-there' }, code: 'host-login', message: /the login was refused: .*Permission denied/, exitCode: 2 },
    { title: 'a key that the host does not know', changes: { identity: '/etc/hostname' }, code: 'host-login', message: /the login was refused/, exitCode: 2 },
    { title: 'another host key than the pinned one', changes: { hostKey: findMachine(lab, 'two').hostKey }, code: 'host-key', message: /the host key has changed/, exitCode: 3 },
    { title: 'a host key that nobody trusted yet', changes: { hostKey: undefined }, code: 'host-key', message: /the host key is not known/, exitCode: 3 },
    { title: 'a port where nothing listens', changes: { port: 2222 }, code: 'host-unreachable', message: /:2222\): .*Connection refused/, exitCode: 1 },
    { title: 'a name that no name server knows', changes: { address: 'no-such-host.invalid' }, code: 'host-unreachable', message: /no-such-host\.invalid/, exitCode: 1 },
    { title: 'an address that looks like an option', changes: { address: '-oProxyCommand=touch /tmp/owned' }, code: 'host-unreachable', message: /hostname contains invalid characters|no login|usage|no answer/i, exitCode: 1 },
  ];
  for (const { title, changes, code, message, exitCode } of refused) {
    test(`${title} is said in one sentence`, async () => {
      const host = hostOf('one', changes);
      await assert.rejects(host.run('true'), (error: Error & { code: string; exitCode: number; hint?: string }) => {
        assert.deepEqual([error.code, error.exitCode], [code, exitCode], error.message);
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n') && error.hint);
        return true;
      });
      await host.close();
    });
  }

  test('a host without sudo says so, and root does not need it', async () => {
    await root.run('mv /usr/bin/sudo /usr/bin/sudo.away');
    await assert.rejects(hostOf('one', { user: 'sudoer' }).run('true'), { code: 'host-login', message: /sudo is not installed/ });
    assert.equal((await hostOf('one').run('id -u')).stdout, '0\n');
    await root.run('mv /usr/bin/sudo.away /usr/bin/sudo');
  });
});

describe('places that cannot be written', () => {
  const cases: readonly { title: string; make: string; path: string; message: RegExp; undo: string }[] = [
    { title: 'a read-only file system', make: 'mkdir -p /srv/ro; mount -t tmpfs -o ro none /srv/ro', path: '/srv/ro/a/file', message: /Read-only file system/, undo: 'umount /srv/ro' },
    { title: 'a full file system', make: 'mkdir -p /srv/small; mount -t tmpfs -o size=64k none /srv/small; echo old > /srv/small/file', path: '/srv/small/file', message: /No space left on device/, undo: 'umount /srv/small' },
    { title: 'a file that is immutable', make: 'mkdir -p /srv/fixed; mount -t tmpfs none /srv/fixed; echo old > /srv/fixed/file; chattr +i /srv/fixed/file 2> /dev/null || mount --bind -o ro /srv/fixed/file /srv/fixed/file', path: '/srv/fixed/file', message: /Operation not permitted|busy|Read-only/, undo: 'chattr -i /srv/fixed/file; umount /srv/fixed/file; umount /srv/fixed' },
  ];
  for (const { title, make, path, message, undo } of cases) {
    test(`${title}: one sentence with the file's name, the old file stays, nothing is left`, async () => {
      await root.run(make);
      const content = 'x'.repeat(200_000);
      await assert.rejects(root.write([{ path, content, mode: 0o644 }]), { code: 'command-failed', message });
      await writeFile(join(folder, 'upload'), content);
      await assert.rejects(root.upload({ source: join(folder, 'upload'), target: path, mode: 0o644, sha256: '0'.repeat(64) }), (error: { code: string }) => ['command-failed', 'program-checksum'].includes(error.code));
      const { stdout } = await root.run(`d=$(dirname ${path}); [ ! -d $d ] || { ls -A $d; cat ${path}; }`);
      assert.ok(['file\nold\n', ''].includes(stdout), stdout);
      await root.run(undo);
    });
  }

  test('files can be given to a user that exists with another number', async () => {
    await root.run('useradd -u 4711 -U etcd');
    await root.write([{ path: '/srv/of-etcd', content: '', mode: 0o600, owner: 'etcd:etcd' }]);
    assert.equal((await root.run('stat -c %u:%g /srv/of-etcd; userdel etcd')).stdout, '4711:4711\n');
  });
});

describe('one session at a time on the server', () => {
  before(async () => {
    await root.run("echo 'MaxSessions 1' > /etc/ssh/sshd_config.d/05-test.conf; systemctl reload ssh");
    await root.close();
  });
  after(async () => {
    await root.run('rm /etc/ssh/sshd_config.d/05-test.conf; systemctl reload ssh');
    await root.close();
  });

  test('commands at once get connections of their own, their output is whole', async () => {
    const host = hostOf('one');
    const results = await Promise.all([1, 2, 3, 4].map((one) => host.run(`echo out ${one}; sleep 0.4; echo err ${one} >&2`)));
    assert.deepEqual(results.map(({ stdout, stderr, exitCode }) => [stdout, stderr, exitCode]), [1, 2, 3, 4].map((one) => [`out ${one}\n`, `err ${one}\n`, 0]));
    await host.close();
  });
});

describe('a host behind a jump host', () => {
  const jumpOnly = { target: { ...loginOf(lab, findMachine(lab, 'two')), name: 'two', jump: 'root@one-gate' }, options: { folder: sockets, knownHosts: '/nowhere', connectTimeout: 5 } };
  const config = `Host one-gate\n  HostName ${findMachine(lab, 'one').address}\n  IdentityFile "${jumpOnly.target.identity}"\n`;
  const known = (key: string) => `${findMachine(lab, 'one').address} ${key}\n`;
  before(() => cut(lab, thisComputer, 'two'));
  after(() => heal(lab, thisComputer, 'two'));

  const cases: readonly { title: string; knownHosts: string; surprises?: string; changes?: Partial<SshTarget>; expected: unknown }[] = [
    { title: 'is reached through it, with the address and key of the user\'s own ssh configuration', knownHosts: known(findMachine(lab, 'one').hostKey), expected: { stdout: 'two\n' } },
    {
      title: 'a user configuration full of surprises changes nothing',
      knownHosts: known(findMachine(lab, 'one').hostKey),
      surprises: 'Match host *.12\n  RequestTTY force\n  RemoteCommand uptime\n  StdinNull yes\n  SessionType none\n  ControlMaster auto\n  ControlPath /tmp/nowhere-%C\n  LocalForward 127.0.0.1:1 127.0.0.1:1\n  ExitOnForwardFailure yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  SendEnv LANG LC_*\n  LogLevel DEBUG\n',
      expected: { stdout: 'two\n', stderr: '' },
    },
    { title: 'an unknown key of the jump host is told from one of the host', knownHosts: '', expected: { code: 'host-key', message: /the host key of the jump host root@one-gate is not known/ } },
    { title: 'so is a changed one', knownHosts: known(findMachine(lab, 'two').hostKey), expected: { code: 'host-key', message: /the host key of the jump host root@one-gate is not known or has changed/ } },
    { title: 'a wrong key of the host itself is found through the jump host', knownHosts: known(findMachine(lab, 'one').hostKey), changes: { hostKey: findMachine(lab, 'one').hostKey }, expected: { code: 'host-key', message: /the host key has changed/ } },
    { title: 'an address that the jump host cannot reach', knownHosts: known(findMachine(lab, 'one').hostKey), changes: { port: 2222 }, expected: { code: 'host-unreachable', message: /Connection refused|closed/ } },
  ];
  for (const { title, knownHosts, surprises = '', changes = {}, expected } of cases) {
    test(title, async () => {
      const job = { ...jumpOnly, target: { ...jumpOnly.target, ...changes }, script: 'hostname' };
      const { stdout, stderr } = await withOwnSshFiles({ config: `${config}${surprises}`, known_hosts: knownHosts }, [process.execPath, fileURLToPath(new URL('../support/run-on-host.ts', import.meta.url)), JSON.stringify(job)]);
      assert.notEqual(stdout, '', stderr);
      const said = JSON.parse(stdout) as unknown;
      const { message, ...rest } = expected as { message?: RegExp };
      assert.partialDeepStrictEqual(said, rest);
      if (message) assert.match((said as { message: string }).message, message);
    });
  }
});

describe('connections that break', () => {
  test('a command whose connection is cut ends with an error that says so, and the next one connects again', async () => {
    const host = hostOf('two');
    await host.run('true');
    const ended = assert.rejects(host.run('echo begun; sleep 40; echo never'), { code: 'host-unreachable', message: /the connection was lost while a command ran/ });
    await sleep(300);
    // The server's side of the connection is killed: the client sees it end at once.
    await closing(hostOf('two')).run(`kill $(pgrep -f 'sshd(-session)?: root' | grep -vx $(ps -o ppid= -p $PPID) | head -n 2)`).catch(() => {});
    await ended;
    assert.equal((await host.run('echo again')).stdout, 'again\n');
  });

  test('a machine that was off and on: commands and forwards that were opened before work again, without waiting', async () => {
    const host = hostOf('two');
    const path = await host.forward({ port: 22 });
    assert.match(await firstBytes(path), /^SSH-/);
    await powerOff(lab, 'two');
    await powerOn(lab, 'two');
    const start = performance.now();
    assert.equal((await host.run('echo back')).stdout, 'back\n');
    assert.match(await firstBytes(path), /^SSH-/);
    assert.ok(performance.now() - start < 8000, `${performance.now() - start} ms`);
  });

  test('a machine that is off is unreachable within the time given', async () => {
    const host = hostOf('two', {}, { connectTimeout: 1 });
    await cut(lab, thisComputer, 'two');
    const start = performance.now();
    await assert.rejects(host.run('true'), { code: 'host-unreachable', message: /timed out/i });
    assert.ok(performance.now() - start < 4000);
    await heal(lab, thisComputer, 'two');
    assert.equal((await host.run('echo back')).stdout, 'back\n');
  });

  test('a link that goes silent under a command: it ends at its time-out', async () => {
    const host = hostOf('two');
    await host.run('true');
    await cut(lab, thisComputer, 'two');
    const start = performance.now();
    const result = await host.run('true', { timeout: 1000 }).catch((error: { code: string }) => error);
    assert.ok('timedOut' in result ? result.timedOut : result.code === 'host-unreachable');
    assert.ok(performance.now() - start < 6000);
    await heal(lab, thisComputer, 'two');
  });
});

describe('what is left on this computer', () => {
  const ours = () => sshProcesses(folder);

  test('after close: no process, no socket', async () => {
    await Promise.all(opened.splice(0).map((host) => host.close()));
    await sleep(300);
    assert.deepEqual(ours(), []);
    assert.deepEqual(await readdir(sockets), []);
  });

  test('after a kill -9 of kubekeep: no ssh after a second, and the next start removes the sockets', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('../support/hold-host.ts', import.meta.url)), JSON.stringify({ target: { ...loginOf(lab, findMachine(lab, 'one')), name: 'one' }, options: { folder: sockets, knownHosts: join(folder, 'none') } })], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    assert.ok(ours().length >= 2, 'a connection and a session');
    child.kill('SIGKILL');
    await sleep(1000);
    assert.deepEqual(ours(), []);
    assert.notDeepEqual(await readdir(sockets), []);
    await hostOf('one').run('true');
    assert.ok((await readdir(sockets)).every((name) => name.startsWith(`${process.pid}-`)), (await readdir(sockets)).join(' '));
  });

  test('Ctrl-C on the terminal does not reach what runs on a host', async () => {
    const host = hostOf('one');
    await host.run('true');
    const group = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')[2];
    const running = host.run('sleep 0.5; echo whole');
    await sleep(200);
    for (const line of ours()) assert.notEqual(readFileSync(`/proc/${line.split(' ')[0]}/stat`, 'utf8').split(') ')[1]!.split(' ')[2], group);
    assert.equal((await running).stdout, 'whole\n');
  });

  test('a folder for sockets that others can write to is refused', async () => {
    await mkdir(join(folder, 'open'), { mode: 0o777 });
    await chmod(join(folder, 'open'), 0o777);
    const host = sshHost({ ...loginOf(lab, findMachine(lab, 'one')), name: 'one' }, { folder: join(folder, 'open'), knownHosts: '/nowhere' });
    await assert.rejects(host.run('true'), { code: 'usage', message: /can be written by others/ });
  });
});

function firstBytes(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.setEncoding('utf8').once('data', (text: string) => {
      resolve(text);
      socket.destroy();
    });
    socket.once('error', reject).once('close', () => reject(new Error('closed')));
  });
}

/** ssh processes that have a folder in their arguments. */
function sshProcesses(word: string): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return /^(\S*\/)?(ssh|setpriv) /.test(line) && line.includes(word) ? [`${pid} ${line}`] : [];
    } catch {
      return [];
    }
  });
}
