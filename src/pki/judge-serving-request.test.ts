import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createKeyPair, ecdsa } from './_key-pair.ts';
import { x509 } from './_x509.ts';
import { judgeServingRequest, type ServingRequest } from './judge-serving-request.ts';

const host = { name: 'w1', address: '10.0.0.21' };
const keys = await createKeyPair();

interface Asked {
  readonly commonName?: string;
  readonly organization?: string;
  readonly names?: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
}

async function request({ commonName = 'system:node:w1', organization = 'system:nodes', names = [{ type: 'dns', value: 'w1' }, { type: 'ip', value: '10.0.0.21' }] }: Asked = {}): Promise<ServingRequest> {
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ O: [organization] }, { CN: [commonName] }],
    keys,
    signingAlgorithm: ecdsa,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : [],
  });
  return { user: 'system:node:w1', groups: ['system:nodes', 'system:authenticated'], usages: ['digital signature', 'server auth'], pem: made.toString('pem') };
}

describe("a kubelet's request for a serving certificate", () => {
  test('is granted for the name and the address of the host', async () => {
    assert.deepEqual(judgeServingRequest(await request(), host), { ok: true });
    assert.deepEqual(judgeServingRequest({ ...(await request()), usages: ['digital signature', 'key encipherment', 'server auth'] }, host), { ok: true });
  });

  const refused: readonly (readonly [title: string, asked: Asked, change: Partial<ServingRequest>, reason: RegExp])[] = [
    ['of another node', {}, { user: 'system:node:w2' }, /^comes from system:node:w2, not from system:node:w1$/],
    ['of somebody who is no node', {}, { groups: ['system:authenticated'] }, /^comes from/],
    ['for another node', { commonName: 'system:node:w2' }, {}, /^is for system:node:w2 of system:nodes, not for/],
    ['for a group with more rights', { organization: 'system:masters' }, {}, /^is for system:node:w1 of system:masters/],
    ['with the address of another host', { names: [{ type: 'ip', value: '10.0.0.21' }, { type: 'ip', value: '10.0.0.11' }] }, {}, /^names 10\.0\.0\.11, which is neither w1 nor 10\.0\.0\.21$/],
    ['with the name of the endpoint', { names: [{ type: 'dns', value: 'api.example' }] }, {}, /^names api\.example/],
    ['without a name', { names: [] }, {}, /^names nothing$/],
    ['that may also be used as a client', {}, { usages: ['digital signature', 'server auth', 'client auth'] }, /^wants the uses .*client auth/],
    ['that serves nothing', {}, { usages: ['digital signature'] }, /^wants the uses/],
    ['that cannot be read', {}, { pem: 'x' }, /^cannot be read$/],
  ];
  for (const [title, asked, change, reason] of refused) {
    test(`is refused ${title}`, async () => {
      const verdict = judgeServingRequest({ ...(await request(asked)), ...change }, host);
      assert.match(verdict.ok ? 'granted' : verdict.reason, reason);
    });
  }
});
