import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createIdentity, recipientOf, seal } from '../pki/seal.ts';
import { createSecrets } from '../pki/secrets.ts';
import type { ClusterFacts, HostFacts } from './facts.ts';
import { openJournal } from './journal.ts';
import { openSecrets, saveSecrets, stateFolder, type OpenedSecrets } from './state.ts';
import { now } from '../../test/support/example-cluster.ts';
import { freshHost } from '../../test/support/seen-cluster.ts';

const scratch = mkdtempSync(join(tmpdir(), 'kubekeep-state-'));
after(() => rmSync(scratch, { recursive: true }));
const folderOf = (name: string) => stateFolder(join(scratch, name), 'prod');

async function sealedCluster(): Promise<OpenedSecrets> {
  const [{ identity }, secrets] = await Promise.all([createIdentity(), createSecrets('prod', now)]);
  return { secrets, identity, from: 'new', sealed: new TextDecoder().decode(await seal(secrets, [await recipientOf(identity)])) };
}

const [ours, theirs] = await Promise.all([sealedCluster(), sealedCluster()]);

function seen(...hosts: readonly Partial<HostFacts>[]): ClusterFacts {
  return { observedAt: now, hosts: new Map(hosts.map((host, position) => [`cp${position + 1}`, { ...freshHost('10.0.0.11'), ...host }])) };
}

function belongingTo({ secrets, sealed }: OpenedSecrets): Partial<HostFacts> {
  return { identity: { cluster: 'prod', id: secrets.clusterId, virtualRouterId: 51 }, sealed };
}

function openOn(folder: string, facts: ClusterFacts, identityFile?: string) {
  return openSecrets(folderOf(folder), { cluster: 'prod', facts, identityFile, now });
}

function identityFileOf({ identity }: OpenedSecrets, name: string): string {
  const path = join(scratch, name);
  writeFileSync(path, `# a copy\n${identity.reveal()}\n`);
  return path;
}

describe('the secrets of a cluster', () => {
  test('are made where neither the folder nor a host has any, and are written by nobody but saveSecrets', async () => {
    const made = await openOn('new', seen({}, {}));
    assert.equal(made.from, 'new');
    assert.equal(existsSync(folderOf('new').path), false);
    await saveSecrets(folderOf('new'), made);
    const again = await openOn('new', seen({}, {}));
    assert.deepEqual([again.from, again.secrets.clusterId], ['state', made.secrets.clusterId]);
  });

  test('lie in a folder for their owner alone, out of reach of git', async () => {
    await saveSecrets(folderOf('modes'), ours);
    const { path } = folderOf('modes');
    assert.equal(statSync(path).mode & 0o777, 0o700);
    for (const name of readdirSync(path)) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
    assert.deepEqual(readdirSync(path).sort(), ['identity', 'secrets.age']);
    assert.equal(readFileSync(join(path, '..', '.gitignore'), 'utf8'), '*\n');
  });

  test('are opened from a host with the identity alone', async () => {
    const opened = await openOn('lost', seen({}, belongingTo(ours)), identityFileOf(ours, 'copy'));
    assert.deepEqual([opened.from, opened.secrets.clusterId, opened.sealed], ['hosts', ours.secrets.clusterId, ours.sealed]);
  });

  test('are not opened without it, nor with another one', async () => {
    await assert.rejects(openOn('lost', seen(belongingTo(ours))), { code: 'identity-missing', message: /the keys of cluster prod are sealed and \S+\/identity is not there/ });
    await assert.rejects(openOn('lost', seen(belongingTo(ours)), identityFileOf(theirs, 'other')), { code: 'identity-missing' });
    // As other programs take it: the error does not show it.
    await assert.rejects(openOn('lost', seen(belongingTo(ours)), ours.identity.reveal().toLowerCase()), { code: 'usage', message: 'an identity was given in the place of the path of its file' });
    await assert.rejects(openOn('lost', seen(belongingTo(ours)), join(scratch, 'nowhere')), { code: 'file-missing' });
  });

  test('of another cluster than the hosts\' are refused, naming the host', async () => {
    await saveSecrets(folderOf('theirs'), theirs);
    await assert.rejects(openOn('theirs', seen({}, belongingTo(ours))), { code: 'cluster-mismatch', message: /^cp2 belongs to another cluster \(prod, id / });
  });

  test('one host of another cluster among ours is named, whichever copy is read first', async () => {
    for (const facts of [seen(belongingTo(ours), belongingTo(theirs)), seen(belongingTo(theirs), belongingTo(ours))]) {
      await assert.rejects(openOn('lost', facts, identityFileOf(ours, 'copy')), { code: 'cluster-mismatch' });
    }
  });

  test('are not made anew for hosts that belong to a cluster and keep no copy', async () => {
    await assert.rejects(openOn('lost', seen({ ...belongingTo(ours), sealed: undefined })), { code: 'cluster-mismatch', message: /no sealed keys were found/ });
  });

  test('an identity that is there is never replaced', async () => {
    await saveSecrets(folderOf('kept'), ours);
    const before = readFileSync(join(folderOf('kept').path, 'identity'), 'utf8');
    await saveSecrets(folderOf('kept'), { ...ours, identity: theirs.identity });
    assert.equal(readFileSync(join(folderOf('kept').path, 'identity'), 'utf8'), before);
  });
});

test('the journal has a line an event: when, what, who, with which result', async () => {
  const path = join(scratch, 'deep', 'journal.ndjson');
  const journal = openJournal(path, 'apply', 'ann', () => now);
  await journal({ event: 'began', detail: '2 steps' });
  await journal({ event: 'step done', step: 'cp1/etcd' });
  const lines = readFileSync(path, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as object);
  const about = { time: '2026-11-23T12:00:00.000Z', operation: 'apply', user: 'ann' };
  assert.deepEqual(lines, [{ ...about, event: 'began', detail: '2 steps' }, { ...about, event: 'step done', step: 'cp1/etcd' }]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});
