import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { runProcess } from '../../src/hosts/process.ts';
import { cachedProgram } from '../support/cached-program.ts';
import { cluster } from '../support/example-cluster.ts';
import { flagsOf, renderedHost, type RenderedHost } from '../support/rendered-host.ts';

let host: RenderedHost;
before(async () => {
  host = await renderedHost();
});

describe('etcd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubekeep-etcd-keys-'));
  const file = join(folder, 'etcd.yaml');
  after(() => rmSync(folder, { recursive: true }));

  /**
   * What etcd says to a file in which one key has a value that fits no key. It looks at the kinds of the values first; the bad address, which it meets
   * next, stops it before it serves.
   */
  async function saysTo(keys: readonly string[]): Promise<string> {
    const document = keys.reduceRight<object>((value, key) => ({ [key]: value }), { of: 'a kind that fits nothing' });
    writeFileSync(file, JSON.stringify({ 'data-dir': folder, 'listen-client-urls': 'unix', ...document }));
    const { exitCode, stderr } = await runProcess(cachedProgram('etcd', cluster.etcd.version), ['--config-file', file], { timeout: 20_000 });
    assert.notEqual(exitCode, 0);
    return stderr;
  }

  it('knows every key of its file', async () => {
    const paths = keysOf(parse(host.get('/etc/kubekeep/etcd.yaml')!.content));
    assert.ok(paths.length > 20, String(paths.length));
    for (const keys of paths) assert.match(await saysTo(keys), new RegExp(`cannot unmarshal .*\\.${keys.join('.')} of type`), keys.join('.'));
  });

  it('passes over a key that it does not know', async () => {
    for (const keys of [['no-such-key'], ['client-transport-security', 'no-such-key']]) assert.doesNotMatch(await saysTo(keys), /cannot unmarshal/);
  });

  it('knows the feature gates', async () => {
    const gates = String(parse(host.get('/etc/kubekeep/etcd.yaml')!.content)['feature-gates']);
    const says = async (text: string) => {
      writeFileSync(file, JSON.stringify({ 'data-dir': folder, 'listen-client-urls': 'unix', 'feature-gates': text }));
      return (await runProcess(cachedProgram('etcd', cluster.etcd.version), ['--config-file', file], { timeout: 20_000 })).stderr;
    };
    assert.doesNotMatch(await says(gates), /feature gate/);
    assert.match(await says(`${gates},NoSuchGate=true`), /unrecognized feature gate/);
  });
});

for (const program of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
  it(`${program} has every flag that its unit gives, none of them deprecated`, async () => {
    const { stdout } = await runProcess(cachedProgram(program, cluster.kubernetes.version), ['--help'], { timeout: 20_000 });
    // Deprecated flags are not listed.
    const known = new Set([...stdout.matchAll(/^ +(?:-\w, )?--([a-z0-9-]+)/gm)].map(([, name]) => name));
    const given = [...flagsOf(host, program).keys()];
    assert.ok(given.length > 8 && known.size > 50, `${given.length} flags given, ${known.size} known`);
    assert.deepEqual(given.filter((name) => !known.has(name)), []);
    assert.ok(!known.has('no-such-flag'));
  });
}

/** The paths of all values that are not mappings. */
function keysOf(value: unknown, parents: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [parents];
  return Object.entries(value).flatMap(([key, one]) => keysOf(one, [...parents, key]));
}
