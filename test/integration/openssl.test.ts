import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { authorityNames, createAuthority } from '../../src/pki/authorities.ts';
import type { Authority, AuthorityName } from '../../src/pki/authorities.ts';
import { issueLeaf } from '../../src/pki/issue.ts';
import { leavesFor } from '../../src/pki/leaves.ts';
import { aHost, cluster } from '../support/example-cluster.ts';

// A second opinion on our certificates from another implementation.
const folder = mkdtempSync(join(tmpdir(), 'kubekeep-openssl-'));
after(() => rmSync(folder, { recursive: true }));
const openssl = (...args: string[]): string => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const now = Date.now();
const made = await Promise.all(authorityNames.map(async (name) => [name, await createAuthority(name, 'prod', now)] as const));
const authorities = Object.fromEntries(made) as Record<AuthorityName, Authority>;
for (const { name, certificate } of Object.values(authorities)) writeFileSync(join(folder, `${name}.pem`), certificate);

test('openssl sees every CA as a strict CA', () => {
  for (const name of authorityNames) {
    assert.match(openssl('verify', '-x509_strict', '-check_ss_sig', '-CAfile', `${name}.pem`, `${name}.pem`), /OK/);
    const text = openssl('x509', '-in', `${name}.pem`, '-noout', '-text');
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    assert.match(text, /Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
  }
});

for (const spec of leavesFor(cluster, aHost())) {
  test(`openssl accepts ${spec.name} for its uses and under its names, and for nothing else`, async () => {
    const leaf = await issueLeaf(spec, authorities[spec.authority], { now });
    writeFileSync(join(folder, 'leaf.pem'), leaf.certificate);
    writeFileSync(join(folder, 'leaf.key'), leaf.privateKey.reveal(), { mode: 0o600 });
    const verify = (...args: string[]): string => openssl('verify', '-x509_strict', '-CAfile', `${spec.authority}.pem`, ...args, 'leaf.pem');
    for (const [usage, purpose] of [['server', 'sslserver'], ['client', 'sslclient']] as const) {
      if (spec.usages.includes(usage)) assert.match(verify('-purpose', purpose), /OK/);
      else assert.throws(() => verify('-purpose', purpose), /unsuitable certificate purpose|unsupported certificate purpose/);
    }
    for (const name of spec.dnsNames) assert.match(verify('-verify_hostname', name), /OK/);
    for (const address of spec.addresses) assert.match(verify('-verify_ip', address), /OK/);
    assert.throws(() => openssl('verify', '-x509_strict', '-CAfile', spec.authority === 'etcd' ? 'etcd-peer.pem' : 'etcd.pem', 'leaf.pem'));
    const text = openssl('x509', '-in', 'leaf.pem', '-noout', '-text');
    assert.match(text, /Signature Algorithm: ecdsa-with-SHA256/);
    assert.match(text, /NIST CURVE: P-256/);
    assert.match(text, /Basic Constraints: critical\s+CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
    assert.equal(openssl('x509', '-in', 'leaf.pem', '-noout', '-pubkey'), openssl('pkey', '-in', 'leaf.key', '-pubout'));
  });
}
