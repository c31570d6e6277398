import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { clusterId, createAuthority } from './authorities.ts';
import { issueLeaf } from './issue.ts';
import { leavesFor } from './leaves.ts';
import { aHost, cluster, day, now } from '../../test/support/example-cluster.ts';

const leaves = leavesFor(cluster, aHost());
const apiserver = leaves.find(({ name }) => name === 'apiserver')!;
const ca = await createAuthority('kubernetes', 'prod', now);
const ca2 = await createAuthority('kubernetes', 'prod', now);

test('a CA lives ten years from five minutes ago, may sign, and is never made twice', () => {
  const certificate = new X509Certificate(ca.certificate);
  assert.equal(certificate.ca, true);
  assert.equal(certificate.subject, 'O=prod\nCN=kubernetes');
  assert.equal(certificate.validFromDate.getTime(), now - 300_000);
  assert.equal(certificate.validToDate.getTime(), now + 3650 * day);
  assert.notEqual(new X509Certificate(ca2.certificate).serialNumber, certificate.serialNumber);
  assert.match(clusterId(ca.certificate), /^[0-9a-f]{64}$/);
  assert.notEqual(clusterId(ca.certificate), clusterId(ca2.certificate));
});

test('a leaf is signed by its CA alone, lives a year, fits its key and answers to its names only', async () => {
  const leaf = await issueLeaf(apiserver, ca, { now });
  const certificate = new X509Certificate(leaf.certificate);
  assert.equal(certificate.verify(createPublicKey(ca.certificate)), true);
  assert.equal(certificate.verify(createPublicKey(ca2.certificate)), false);
  assert.equal(certificate.checkIssued(new X509Certificate(ca.certificate)), true);
  assert.equal(certificate.checkPrivateKey(createPrivateKey(leaf.privateKey.reveal())), true);
  assert.equal(certificate.ca, false);
  assert.equal(certificate.validToDate.getTime(), now + 365 * day);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  for (const name of apiserver.dnsNames) assert.equal(certificate.checkHost(name), name);
  for (const address of apiserver.addresses) assert.equal(certificate.checkIP(address), address);
  assert.equal(certificate.checkHost('other.example'), undefined);
});

test('a leaf never outlives its CA', async () => {
  const leaf = await issueLeaf(apiserver, ca, { now: now + 3600 * day });
  assert.equal(new X509Certificate(leaf.certificate).validToDate.getTime(), now + 3650 * day);
});

test('a leaf is not signed by a CA other than the one that its spec names', async () => {
  await assert.rejects(issueLeaf(leaves.find(({ name }) => name === 'etcd-peer')!, ca, { now }), /belongs to CA etcd-peer, not to kubernetes/);
});

test('a common name with commas and equals signs stays one name', async () => {
  const leaf = await issueLeaf({ ...apiserver, commonName: 'a,O=system:masters+x' }, ca, { now });
  assert.equal(new X509Certificate(leaf.certificate).toLegacyObject().subject['CN'], 'a,O=system:masters+x');
  assert.equal(new X509Certificate(leaf.certificate).toLegacyObject().subject['O'], undefined);
});
