import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority } from './authorities.ts';
import { issueLeaf } from './issue.ts';
import { daysLeft, judgeLeaf, renewalTime } from './judge-leaf.ts';
import { adminLeaf, leavesFor } from './leaves.ts';
import type { CertificateSpec } from './leaves.ts';
import { aHost, cluster, day, now } from '../../test/support/example-cluster.ts';

const spec: CertificateSpec = leavesFor(cluster, aHost()).find(({ name }) => name === 'apiserver')!;
const [ca, other] = await Promise.all([createAuthority('kubernetes', 'prod', now), createAuthority('kubernetes', 'prod', now)]);
const good = (await issueLeaf(spec, ca, { now })).certificate;
const without = (name: string): CertificateSpec => ({ ...spec, dnsNames: spec.dnsNames.filter((one) => one !== name), addresses: spec.addresses.filter((one) => one !== name) });
const issued = async (from: CertificateSpec): Promise<string> => (await issueLeaf(from, ca, { now })).certificate;

test('a certificate as issued is good from the first moment until two thirds of its life', () => {
  for (const time of [now - 300_000, now, now + 243 * day]) assert.deepEqual(judgeLeaf(good, spec, ca.certificate, time), { ok: true });
});

const faults: readonly (readonly [string, () => Promise<string | undefined> | string | undefined, number, string])[] = [
  ['no file', () => undefined, now, 'is missing'],
  ['rubbish', () => 'no certificate', now, 'cannot be read'],
  ['an empty file', () => '', now, 'cannot be read'],
  ['another CA of the same name', async () => (await issueLeaf(spec, other, { now })).certificate, now, 'was issued by another CA'],
  ['a name too few', () => issued(without('api.example')), now, 'lacks the name api.example'],
  ['an address too few', () => issued(without('10.0.0.99')), now, 'lacks the name 10.0.0.99'],
  ['a name too many', () => issued({ ...spec, dnsNames: [...spec.dnsNames, 'old.example'] }), now, 'has the name old.example, which is not wanted'],
  ['another common name', () => issued({ ...spec, commonName: 'kube-scheduler' }), now, 'is for CN kube-scheduler, not kube-apiserver'],
  ['a group too many', () => issued({ ...spec, organizations: ['system:masters'] }), now, 'has the group system:masters, which is not wanted'],
  ['a use too few', () => issued({ ...spec, usages: ['client'] }), now, 'lacks the use as server'],
  ['a use too many', () => issued({ ...spec, usages: ['client', 'server'] }), now, 'has the use as client, which is not wanted'],
  ['a CA in its place', () => ca.certificate, now, 'is for CN kubernetes, not kube-apiserver'],
  ['two thirds of its life', () => good, now + 244 * day, 'is past two thirds of its life (renews from 2027-07-24, expires on 2027-11-23)'],
  ['its last day over', () => good, now + 366 * day, 'expired on 2027-11-23'],
  ['a clock that is behind', () => good, now - day, 'is not valid before 2026-11-23T11:55:00.000Z'],
];

for (const [title, certificate, time, reason] of faults) {
  test(`a certificate is refused with the reason: ${title}`, async () => {
    assert.deepEqual(judgeLeaf(await certificate(), spec, ca.certificate, time), { ok: false, reason });
  });
}

test('a user certificate without names is judged by its group', async () => {
  const certificate = await issued(adminLeaf('ann'));
  assert.deepEqual(judgeLeaf(certificate, adminLeaf('ann'), ca.certificate, now), { ok: true });
  assert.deepEqual(judgeLeaf(certificate, adminLeaf('ann', 'system:masters'), ca.certificate, now), { ok: false, reason: 'lacks the group system:masters' });
});

test('days left are whole days, negative after the end', () => {
  assert.deepEqual([now, now + 364.5 * day, now + 366 * day].map((time) => daysLeft(good, time)), [365, 0, -1]);
});

test('a certificate is due from the moment on that its verdict says so', () => {
  const due = renewalTime(good);
  assert.deepEqual([due - 1, due].map((time) => judgeLeaf(good, spec, ca.certificate, time).ok), [true, false]);
});
