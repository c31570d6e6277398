import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Host } from '../../src/hosts/host.ts';
import { identityFile } from '../../src/lab/lab.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { authorityNames } from '../../src/pki/authorities.ts';
import { canariesOf, seenIn, type Canary } from '../support/canary/canaries.ts';
import { filesThatShow, seenInJournals } from '../support/canary/machine-search.ts';
import { watchProcesses, type Watched } from '../support/canary/watch-processes.ts';
import { labCluster, type LabCluster, type Outcome } from '../support/lab-cluster.ts';

describe('the secrets of a cluster', () => {
  let it1: LabCluster;
  let host: Host;
  let canaries: readonly Canary[];
  let watched: Watched;
  let seconds: number;
  const runs: { readonly what: string; readonly outcome: Outcome }[] = [];

  before(async () => {
    const begin = performance.now();
    using watch = await watchProcesses();
    it1 = await labCluster('T1', 'test-canary');
    host = it1.hosts.get('cp1')!;
    const run = async (code: number, ...args: string[]) => {
      const outcome = await it1.run(...args);
      runs.push({ what: args.join(' '), outcome });
      assert.equal(outcome.code, code, `${args.join(' ')}: ${outcome.stderr.slice(-2000)}${outcome.stdout.slice(-2000)}`);
      return outcome;
    };
    await run(0, 'apply', '--yes');
    await run(0, 'plan');
    // On a busy computer the scheduler gets its lease some seconds after apply.
    for (let turn = 0; turn < 20 && (await it1.run('status')).code !== 0; turn++) await systemClock.sleep(500);
    await run(0, 'status');
    await run(0, 'status', '--json');
    await run(0, 'render', 'cp1', 'encryption.yaml');
    await run(0, 'render', 'cp1', 'sa.key', '--json');
    const kubeconfig = (await run(0, 'kubeconfig')).stdout;
    await withDamagedIdentity(() => run(2, 'apply', '--yes'));
    await withReadOnlyPki(async () => {
      await run(4, 'plan', '--json');
      await run(1, 'apply', '--yes');
      await run(1, 'apply', '--yes', '--json');
    });
    await run(0, 'apply', '--yes', '--json');
    canaries = [...(await collectCanaries()), ...canariesOf('the key of the kubeconfig', keyOf(kubeconfig))];
    watched = await watch.end(canaries);
    seconds = (performance.now() - begin) / 1000;
  });
  after(() => it1?.[Symbol.asyncDispose]());

  it('are known to this test: every key on the host, every CA, the tokens’ and the encryption key, the identity', () => {
    const names = new Set(canaries.map(({ name }) => name));
    for (const name of ['/etc/kubernetes/pki/sa.key', '/etc/kubernetes/pki/etcd/peer.key', ...authorityNames.map((one) => `the CA ${one}`), 'the encryption key', 'the identity']) assert.ok(names.has(name), name);
    assert.ok(names.size > 15 && canaries.length > 100, `${names.size} secrets, ${canaries.length} pieces`);
  });

  it('are in no argument and no environment of any process of this computer or its machines', (t) => {
    t.diagnostic(`${watched.looks} looks in ${seconds.toFixed(0)} s, ${watched.processes} command lines`);
    assert.ok(watched.looks / seconds > 10 && watched.processes > 200, JSON.stringify(watched));
    assert.deepEqual(watched.seen, []);
  });

  it('are in nothing that kubekeep printed, as text or as JSON, where it worked and where it failed', () => {
    const own = 'the key of the kubeconfig';
    for (const { what, outcome } of runs) {
      assert.notEqual(outcome.stdout + outcome.stderr, '');
      assert.deepEqual(seenIn(outcome.stderr, canaries), [], `${what}: stderr`);
      // What a kubeconfig is for: its own key.
      assert.deepEqual(seenIn(outcome.stdout, canaries).filter((name) => !(what === 'kubeconfig' && name === own)), [], `${what}: stdout`);
    }
  });

  it('are in no journal of the machine', async () => assert.deepEqual(await seenInJournals(host, canaries), []));

  it('are in no file of the machine but their own, which root alone can read', async () => {
    const files = await filesThatShow(host, canaries);
    const own = /^\/etc\/kubernetes\/(pki\/.*\.key|encryption\.yaml)$/;
    assert.deepEqual(files.filter((path) => !own.test(path) && !path.startsWith('/run/credentials/')), []);
    assert.ok(files.filter((path) => own.test(path)).length > 12, files.join(', '));
    const { stdout } = await host.run(`find ${files.filter((path) => own.test(path)).join(' ')} ! -perm 600 -o ! -user root -o ! -group root`);
    assert.equal(stdout, '');
  });

  it('are in no file of the operator but the identity', () => {
    const shown = operatorFiles().filter((path) => seenIn(readFileSync(path, 'utf8'), canaries).length > 0);
    assert.deepEqual(shown, [join(stateFolder(), 'identity')]);
  });

  it('are noticed in each of these places when they are put there', async () => {
    const [here] = canaries.filter(({ name }) => name === 'the CA kubernetes') as [Canary];
    const [there] = canaries.filter(({ name }) => name === 'the identity') as [Canary];
    using watch = await watchProcesses();
    await Promise.all([
      once(spawn('sh', ['-c', 'sleep 0.2', 'sh', here.text]), 'exit'),
      once(spawn('sleep', ['0.2'], { env: { ...process.env, LEAK: here.text } }), 'exit'),
      host.run(`sh -c 'sleep 0.2' sh '${there.text}'\nlogger <<'END'\n${here.text}\nEND\nprintf 'found: %s\\n' '${here.text}' > /var/log/leak.txt`),
    ]);
    const { seen } = await watch.end(canaries);
    for (const where of [`arguments of sh: ${here.name}`, `arguments of sh: ${there.name}`, `environment of sleep: ${here.name}`]) assert.ok(seen.includes(where), seen.join(', '));
    assert.deepEqual(await seenInJournals(host, canaries), [here.name]);
    assert.ok((await filesThatShow(host, canaries)).includes('/var/log/leak.txt'));
  });

  /** The API server's certificate is to be written, and cannot be: kubekeep fails with a key in its hands. */
  async function withReadOnlyPki(run: () => Promise<unknown>): Promise<void> {
    const pki = '/etc/kubernetes/pki';
    const { stderr } = await host.run(`rm ${pki}/apiserver.crt && mount --bind ${pki} ${pki} && mount -o remount,bind,ro ${pki}`);
    assert.equal(stderr, '');
    try {
      await run();
    } finally {
      await host.run(`umount ${pki}`);
    }
  }

  /** An identity with one wrong letter: the error must not quote it. */
  async function withDamagedIdentity(run: () => Promise<unknown>): Promise<void> {
    const path = join(dirname(it1.file), 'damaged');
    writeFileSync(path, `${identity().slice(0, -1)}${identity().endsWith('Q') ? 'P' : 'Q'}\n`, { mode: 0o600 });
    process.env['KUBEKEEP_IDENTITY'] = path;
    try {
      await run();
    } finally {
      delete process.env['KUBEKEEP_IDENTITY'];
      writeFileSync(path, '');
    }
  }

  async function collectCanaries(): Promise<readonly Canary[]> {
    const { stdout } = await host.run("for f in $(find /etc/kubernetes -name '*.key'); do echo \"FILE $f\"; cat $f; done; echo FILE /etc/kubernetes/encryption.yaml; grep secret: /etc/kubernetes/encryption.yaml");
    const keys = stdout.split(/^FILE /m).slice(1).map((part) => part.split(/\n(.*)/s));
    const secrets = await it1.secrets();
    return [
      ...keys.flatMap(([path = '', key = '']) => canariesOf(path, key)),
      ...authorityNames.flatMap((name) => canariesOf(`the CA ${name}`, secrets.authorities[name].privateKey.reveal())),
      ...canariesOf('the key of the service accounts', secrets.serviceAccountKey.reveal()),
      ...canariesOf('the encryption key', secrets.encryptionKey.reveal()),
      // Without its last letters, so that the damaged one is found too.
      ...canariesOf('the identity', identity().slice(0, -2)),
      // The first line of such a file is the same for all keys of a kind.
      ...canariesOf('the SSH key of the lab', readFileSync(identityFile(it1.lab), 'utf8').split('\n').slice(2).join('\n')),
    ];
  }

  function stateFolder(): string {
    return join(dirname(it1.file), '.kubekeep', it1.cluster.name);
  }

  function identity(): string {
    return /AGE-SECRET-KEY-\w+/.exec(readFileSync(join(stateFolder(), 'identity'), 'utf8'))![0];
  }

  function operatorFiles(): readonly string[] {
    const all = readdirSync(join(dirname(it1.file), '.kubekeep'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    assert.ok(all.some((path) => path.endsWith('journal.ndjson')));
    return [it1.file, ...all];
  }
});

function keyOf(kubeconfig: string): string {
  const { users } = parse(kubeconfig) as { readonly users: readonly { readonly user: { readonly 'client-key-data': string } }[] };
  return Buffer.from(users[0]!.user['client-key-data'], 'base64').toString();
}
