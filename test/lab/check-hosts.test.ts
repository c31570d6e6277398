import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '../../src/cli/env.ts';
import { exampleClusterFile } from '../../src/cluster/example-file.ts';
import { parseClusterFile } from '../../src/cluster/parse-cluster-file.ts';
import type { Host } from '../../src/hosts/host.ts';
import { fingerprint, scanHostKey } from '../../src/hosts/scan-host-key.ts';
import { sshHost } from '../../src/hosts/ssh.ts';
import { createLab } from '../../src/lab/create-lab.ts';
import { destroyAllLabs } from '../../src/lab/destroy-lab.ts';
import { findMachine, identityFile, loginOf, thisComputer, type Lab } from '../../src/lab/lab.ts';
import { cut, heal } from '../../src/lab/links.ts';
import { systemClock, type Clock } from '../../src/lib/clock.ts';
import { silent } from '../../src/lib/progress.ts';
import { checkHosts } from '../../src/operations/check-hosts/check-hosts.ts';
import type { HostsReport } from '../../src/operations/check-hosts/report.ts';
import { ensureImage } from '../../src/programs/images/ensure-image.ts';
import { withOwnSshFiles } from '../support/own-home.ts';

const folder = await mkdtemp('/var/tmp/kubekeep-test-');
const runtimeFolder = join(folder, 'run');
const image = await ensureImage({ release: 'trixie', cacheFolder: readEnvironment().cacheFolder, progress: silent, clock: systemClock });
const names = ['cp1', 'cp2', 'cp3'];
const lab: Lab = await createLab({ name: 'test-check-hosts', directory: join(folder, 'lab'), image, machines: [...names, 'stranger'].map((name) => ({ name })), runtimeFolder, progress: silent });
const kubekeep = fileURLToPath(new URL('../../bin/kubekeep.mjs', import.meta.url));
const vip = lab.gateway.replace(/\.1$/, '.100');
const file = join(folder, 'cluster.yaml');
const machines = names.map((name) => findMachine(lab, name));
const hosts = new Map<string, Host>([...names, 'stranger'].map((name) => [name, sshHost({ name, ...loginOf(lab, findMachine(lab, name)) }, { folder: join(runtimeFolder, 'ssh'), knownHosts: '/nowhere' })]));

before(() => writeFile(file, clusterFile()));
after(async () => {
  await Promise.all([...hosts.values()].map((host) => host.close()));
  await destroyAllLabs({ runtimeFolder, progress: silent });
  await rm(folder, { recursive: true });
});

function clusterFile({ pinned = true, jump }: { pinned?: boolean; jump?: string } = {}): string {
  return exampleClusterFile({
    name: 'prod',
    vip: `${vip}/24`,
    ssh: { user: 'root', identity: identityFile(lab), ...(jump && { jump }) },
    hosts: machines.map(({ name, address, hostKey }) => ({ name, address, ...(pinned && { ssh: { hostKey } }) })),
  });
}

async function check({ quick = false, clock = systemClock }: { quick?: boolean; clock?: Clock } = {}): Promise<HostsReport> {
  const cluster = parseClusterFile(clusterFile(), { file, directory: folder, home: '/root' });
  // A busy computer has a slow disk.
  return checkHosts({ cluster, hosts, clock, progress: silent, signal: new AbortController().signal }, { quick, slowDisk: true });
}

async function on(name: string, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await hosts.get(name)!.run(script);
  assert.equal(exitCode, 0, `${name}: ${stderr}`);
  return stdout;
}

/** "cp1 ports: …" for everything that was refused. */
function refusals({ checks }: HostsReport): string[] {
  return checks.flatMap(({ host, check: name, findings }) => findings.filter(({ verdict }) => verdict === 'refused').map(({ reason }) => `${host} ${name}: ${reason}`)).sort();
}

function matchAll(found: readonly string[], expected: readonly RegExp[]): void {
  for (const pattern of expected) assert.ok(found.some((line) => pattern.test(line)), `${pattern} in\n${found.join('\n')}`);
  assert.deepEqual(found.filter((line) => !expected.some((pattern) => pattern.test(line))), []);
}

/** What a check could leave behind. */
const traces = `ip -4 -o address show | sort; ls -A /run | grep kubekeep; ls -A /var/lib /var/lib/etcd 2>/dev/null | grep kubekeep; for f in /proc/[0-9]*/cmdline; do case "$(tr '\\0' ' ' < $f)" in perl*) echo $f;; esac; done 2>/dev/null; ss -Hltn | sort`;

describe('hosts check', () => {
  test('three fresh machines are fit, quickly, every check has an answer, and nothing of it is left', async () => {
    const earlier = await Promise.all(names.map((name) => on(name, traces)));
    const start = performance.now();
    const report = await check();
    assert.ok(performance.now() - start < 15_000);
    assert.deepEqual(refusals(report), []);
    assert.ok(report.fit);
    assert.deepEqual(report.checks.filter(({ verdict }) => verdict === 'unknown'), []);
    for (const [name, found] of [['vip', 'free, reached from 2'], ['vrrp', 'no others'], ['links', '6 of 6 open'], ['others', 'nothing']]) {
      assert.deepEqual(report.checks.filter((one) => one.check === name).map((one) => one.found), [found, found, found], name);
    }
    assert.ok(report.checks.filter(({ check: name }) => name === 'disk').every(({ found }) => /^fdatasync p99 [\d.]+ ms$/.test(found)));
    await sleep(300);
    assert.deepEqual(await Promise.all(names.map((name) => on(name, traces))), earlier);
  });

  test('names everything that is in the way at once', async () => {
    await Promise.all([
      on('cp1', `socat TCP-LISTEN:2379,bind=${machines[0]!.address},fork /dev/null > /dev/null 2>&1 & mkdir -p /var/lib/etcd/member; touch /var/lib/etcd/member/x; useradd -g nogroup etcd; mount -t tmpfs -o noexec none /opt`),
      on('cp2', `mkdir -p /etc/kubekeep /run/kk; echo '{"cluster":"another","id":"cd34","virtualRouterId":7}' > /etc/kubekeep/cluster.json; mount -t tmpfs -o size=50m none /var/lib/apt; mkdir -p /var/lib/etcd; mount -t tmpfs -o size=50m none /var/lib/etcd
printf 'global\\n    stats socket /run/kk/sock\\ndefaults\\n    timeout connect 1s\\n    timeout client 1s\\n    timeout server 1s\\nlisten x\\n    bind 127.0.0.1:8404\\n' > /etc/haproxy/haproxy.cfg; systemctl start haproxy`),
      on('cp3', `ip address add ${vip}/24 dev host0; mount --bind /opt /opt; mount -o remount,ro,bind /opt`),
    ]);
    try {
      const report = await check({ quick: true, clock: { ...systemClock, now: () => systemClock.now() - 3_600_000 } });
      matchAll(refusals(report), [
        /^cp[123] clock: the clock is 60 min ahead of this computer's$/,
        /^cp1 ports: port 2379 of etcd\.service is taken by (socat|ssh\.service|session-\S+)/,
        /^cp1 others: \/var\/lib\/etcd\/member has the remains/,
        /^cp1 others: there is a user etcd without a group/,
        /^cp1 space: programs cannot be run from \/opt/,
        /^cp[12] vip: 198\.\S+ is in use: 02:c6\S+ answers for it/,
        /^cp2 others: the host belongs to the cluster another/,
        /^cp2 others: haproxy\.service of somebody else is running/,
        /^cp2 ports: port 8404 of kubekeep-haproxy\.service is taken by haproxy\.service/,
        /^cp2 space: \/var\/lib\/etcd has 52 MB free/,
        /^cp3 space: \/opt cannot be written/,
        /^cp3 vip: 198\.\S+ is on the host already/,
      ]);
      assert.equal(report.fit, false);
    } finally {
      await Promise.all([
        on('cp1', 'pkill socat; rm -r /var/lib/etcd; userdel etcd; umount /opt'),
        on('cp2', 'systemctl stop haproxy; umount /var/lib/apt /var/lib/etcd; rm -r /var/lib/etcd /etc/kubekeep'),
        on('cp3', `umount /opt; ip address del ${vip}/24 dev host0`),
      ]);
    }
  });

  test('finds firewalls between the hosts, a network that does not carry the VIP, and other VRRP routers', async () => {
    await Promise.all([
      on('cp1', `nft add table inet test; nft add chain inet test in '{ type filter hook input priority 0; }'; nft add rule inet test in ip daddr ${vip} tcp dport 6443 drop`),
      on('cp2', `nft add table inet test; nft add chain inet test in '{ type filter hook input priority 0; }'; nft add rule inet test in ip saddr ${machines[0]!.address} tcp dport 2380 reject with tcp reset; nft add rule inet test in ip saddr ${machines[2]!.address} ip protocol 112 drop`),
      on('stranger', `printf 'vrrp_instance x {\\n interface host0\\n virtual_router_id 77\\n advert_int 1\\n virtual_ipaddress {\\n 192.0.2.1\\n }\\n}\\n' > /etc/keepalived/keepalived.conf; systemctl start keepalived`),
    ]);
    // A router that starts waits three times its interval before it speaks.
    await sleep(4000);
    try {
      const report = await check();
      matchAll(refusals(report), [
        /^cp1 links: etcd from cp1 to cp2 \(TCP 2380\): Connection refused$/,
        /^cp3 links: VRRP from cp3 to cp2 \(IP protocol 112\): nothing arrived$/,
        /^cp1 vip: with 198\.\S+ on this host, cp2 does not reach it \(no answer\); cp3 does not reach it \(no answer\)$/,
      ]);
      assert.deepEqual(report.takenRouterIds, [77]);
    } finally {
      await Promise.all([...['cp1', 'cp2'].map((name) => on(name, 'nft delete table inet test')), on('stranger', 'systemctl stop keepalived')]);
    }
  });

  test('a kubekeep that is killed while a host carries the VIP leaves nothing after seconds', async () => {
    const earlier = await Promise.all(names.map((name) => on(name, traces)));
    const child = spawn(process.execPath, [kubekeep, 'hosts', 'check', '--slow-disk', '--file', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    for await (const text of child.stderr.setEncoding('utf8') as AsyncIterable<string>) if ((said += text).includes('on each load balancer')) break;
    await sleep(250);
    child.kill('SIGKILL');
    await sleep(8500);
    assert.deepEqual(await Promise.all(names.map((name) => on(name, traces))), earlier);
  });

  test('one host that is away does not hide what the others say', async () => {
    await cut(lab, thisComputer, 'cp2');
    try {
      const { exitCode, stdout } = await run(['hosts', 'check', '--quick', '--json', '--file', file]);
      assert.equal(exitCode, 3);
      const report = JSON.parse(stdout) as HostsReport;
      matchAll(refusals(report), [/^cp2 ssh: .*timed out/]);
      assert.ok(report.checks.filter(({ host }) => host === 'cp3').length > 5);
    } finally {
      await heal(lab, thisComputer, 'cp2');
    }
  });
});

describe('hosts trust', () => {
  const known = join(folder, '.kubekeep', 'prod', 'known_hosts');
  afterEach(async () => {
    await rm(join(folder, '.kubekeep'), { recursive: true, force: true });
    await writeFile(file, clusterFile());
  });

  test('shows the fingerprint that the console shows, remembers only what was confirmed, and then the hosts can be reached', async () => {
    await writeFile(file, clusterFile({ pinned: false }));
    const unknown = await run(['hosts', 'check', '--quick', '--file', file]);
    assert.equal(unknown.exitCode, 3);
    assert.match(unknown.stdout, /✗ cp1, cp2, cp3: the host key is not known\n.*kubekeep hosts trust/);
    assert.equal((await run(['plan', '--file', file])).exitCode, 3);

    const refused = await run(['hosts', 'trust', '--file', file]);
    assert.equal(refused.exitCode, 3);
    assert.match(refused.stderr, /were not confirmed/);
    await assert.rejects(stat(known));

    const trusted = await run(['hosts', 'trust', '--yes', '--file', file]);
    assert.equal(trusted.exitCode, 0, trusted.stderr);
    for (const name of names) {
      const [, shown] = (await on(name, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')).split(' ');
      assert.match(trusted.stdout, new RegExp(`^${name} .*${shown!.replace(/[+/]/g, '\\$&')}  new$`, 'm'));
    }
    assert.equal((await stat(known)).mode & 0o777, 0o600);
    assert.match(await readFile(join(folder, '.kubekeep', '.gitignore'), 'utf8'), /^\*$/m);
    assert.equal((await run(['hosts', 'check', '--quick', '--file', file])).exitCode, 0);
    assert.match((await run(['hosts', 'trust', '--file', file])).stdout, /Nothing to remember/);
  });

  test('a key that changed is refused with both fingerprints until it is replaced on purpose', async () => {
    await writeFile(file, clusterFile({ pinned: false }));
    await run(['hosts', 'trust', '--yes', '--file', file]);
    const stranger = findMachine(lab, 'stranger').hostKey;
    await writeFile(known, (await readFile(known, 'utf8')).replace(machines[1]!.hostKey.split(' ')[1]!, stranger.split(' ')[1]!));
    const check = await run(['hosts', 'check', '--quick', '--file', file]);
    assert.match(check.stdout, /✗ cp2: the host key has changed; the connection was refused\n.*hosts trust --replace/);
    const refused = await run(['hosts', 'trust', '--yes', '--file', file]);
    assert.equal(refused.exitCode, 3);
    assert.ok(refused.stderr.includes(`cp2 shows ${fingerprint(machines[1]!.hostKey)}, trusted was ${fingerprint(stranger)}`), refused.stderr);
    assert.equal((await run(['hosts', 'trust', '--yes', '--replace', '--file', file])).exitCode, 0);
    assert.equal((await run(['hosts', 'check', '--quick', '--file', file])).exitCode, 0);
  });

  test('a key that is not the one in the cluster file is refused, --replace or not', async () => {
    await writeFile(file, clusterFile().replace(machines[2]!.hostKey, findMachine(lab, 'stranger').hostKey));
    const refused = await run(['hosts', 'trust', '--yes', '--replace', '--file', file]);
    assert.equal(refused.exitCode, 3);
    assert.match(refused.stderr, /cp3 shows SHA256:\S+, the cluster file says SHA256:/);
  });

  test('a host behind a jump host is asked from there', async () => {
    await writeFile(file, clusterFile({ pinned: false, jump: 'gate' }));
    const stranger = findMachine(lab, 'stranger');
    const files = { config: `Host gate\n  HostName ${stranger.address}\n  User root\n  IdentityFile ${identityFile(lab)}\n`, known_hosts: `${stranger.address} ${stranger.hostKey}\n` };
    await Promise.all(names.map((name) => cut(lab, thisComputer, name)));
    try {
      const noKey = await withOwnSshFiles({ ...files, known_hosts: '' }, [process.execPath, kubekeep, 'hosts', 'trust', '--yes', '--file', file]);
      assert.match(noKey.stdout, /cp1 was left out: .*the host key of the jump host gate is not known/);
      const { exitCode, stdout, stderr } = await withOwnSshFiles(files, [process.execPath, kubekeep, 'hosts', 'trust', '--yes', '--file', file]);
      assert.equal(exitCode, 0, stderr);
      for (const { name, hostKey } of machines) assert.ok(stdout.includes(`${name} `) && stdout.includes(fingerprint(hostKey)));
      const check = await withOwnSshFiles(files, [process.execPath, kubekeep, 'hosts', 'check', '--quick', '--file', file]);
      assert.equal(check.exitCode, 0, check.stdout);
    } finally {
      await heal(lab);
    }
  });

  test('a host with no key of the kind that ssh prefers shows the one that it has', async () => {
    await on('cp2', 'ssh-keygen -q -t rsa -N "" -f /root/only-rsa && /usr/sbin/sshd -f /dev/null -p 2222 -o HostKey=/root/only-rsa -o PidFile=/run/only-rsa.pid');
    const key = await scanHostKey({ name: 'cp2', address: findMachine(lab, 'cp2').address, port: 2222, user: 'root' }, { patience: 5 });
    assert.equal(key, (await on('cp2', 'cut -d" " -f1,2 /root/only-rsa.pub; kill $(cat /run/only-rsa.pid)')).trim());
  });

  test('a host that does not answer is left out, the others are remembered, and the exit code says so', async () => {
    await writeFile(file, clusterFile({ pinned: false }));
    await on('cp3', 'systemctl stop ssh.socket ssh.service 2>/dev/null; true');
    try {
      const { exitCode, stdout } = await run(['hosts', 'trust', '--yes', '--file', file]);
      assert.equal(exitCode, 1);
      assert.match(stdout, /Remembered the keys of cp1, cp2 in/);
      assert.match(stdout, /cp3 was left out: cp3 \(root@[\d.]+\): /);
    } finally {
      await on('cp3', 'systemctl start ssh.service');
    }
  });
});


async function run(words: readonly string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [kubekeep, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exitCode, stdout, stderr };
}
