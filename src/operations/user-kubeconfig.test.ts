import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { cluster, day, now } from '../../test/support/example-cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { createSecrets, type ClusterSecrets } from '../pki/secrets.ts';
import { userKubeconfig } from './user-kubeconfig.ts';

describe('a kubeconfig for a user', () => {
  let secrets: ClusterSecrets;
  before(async () => {
    secrets = await createSecrets('prod', now);
  });
  const nameless: Cluster = { ...cluster, endpoint: { ...cluster.endpoint, names: [] } };
  const made = async (spec: Cluster, server?: string) => {
    const { content } = await userKubeconfig(spec, secrets, { user: 'ann', days: 0.5, server, now });
    return parse(content.reveal()) as { clusters: [{ cluster: Record<string, string> }]; users: [{ user: Record<string, string> }] };
  };

  const servers: readonly (readonly [title: string, spec: Cluster, server: string | undefined, address: string, tlsName: string | undefined])[] = [
    ['names the first name of the endpoint', cluster, undefined, 'https://api.example:6443', undefined],
    ['names the VIP where there is no name', nameless, undefined, 'https://10.0.0.100:6443', undefined],
    ['names another server with the port of the endpoint', cluster, '10.0.0.11', 'https://10.0.0.11:6443', undefined],
    ['keeps the port of another server', cluster, '10.0.0.11:8443', 'https://10.0.0.11:8443', undefined],
    ['understands an address as kubectl prints it', cluster, 'https://api.example:6443/', 'https://api.example:6443', undefined],
    ['checks a server that no certificate names for the name that every certificate has', cluster, 'bastion.example:7000', 'https://bastion.example:7000', 'kubernetes'],
  ];
  for (const [title, spec, server, address, tlsName] of servers) {
    test(title, async () => {
      const { server: found, 'tls-server-name': name } = (await made(spec, server)).clusters[0].cluster;
      assert.deepEqual([found, name], [address, tlsName]);
    });
  }

  test('has a certificate of that user in the group of administrators, for as long as asked', async () => {
    const pem = Buffer.from((await made(cluster)).users[0].user['client-certificate-data']!, 'base64');
    const certificate = new X509Certificate(pem);
    assert.equal(certificate.subject, 'O=kubeadm:cluster-admins\nCN=ann');
    assert.equal(certificate.validToDate.getTime(), now + day / 2);
    assert.ok(certificate.verify(new X509Certificate(secrets.authorities.kubernetes.certificate).publicKey));
  });

  test('does not show its key by mistake', async () => {
    const result = await userKubeconfig(cluster, secrets, { user: 'ann', days: 1, now });
    assert.doesNotMatch(`${JSON.stringify(result)}${String(result.content)}`, /client-key-data|PRIVATE/);
  });
});
