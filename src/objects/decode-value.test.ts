import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import { seededDraw } from '../lib/seeded-draw.ts';
import { decodeValue } from './decode-value.ts';
import { isObject, jsonText, parseJson, type JsonObject } from './json.ts';

/** A field of protobuf: bytes or text with a length, or a number. */
function field(number: number, value: Buffer | string | bigint): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([varint(BigInt(number * 8)), varint(BigInt.asUintN(64, value))]);
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(bytes.length)), bytes]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

const message = (...fields: readonly Buffer[]) => Buffer.concat(fields);
const stored = (apiVersion: string, kind: string, content: Buffer) => message(Buffer.from('k8s\0'), field(1, message(field(1, apiVersion), field(2, kind))), field(2, content), field(3, ''), field(4, ''));
const decode = (value: Buffer) => decodeValue({ key: '/registry/x/y', value, revision: 7 });
const object = (apiVersion: string, kind: string, content: Buffer): JsonObject => {
  const decoded = decode(stored(apiVersion, kind, content));
  assert.ok(decoded.object, decoded.object === undefined ? decoded.why : '');
  return decoded.object;
};

describe('a value of protobuf becomes the JSON of Kubernetes', () => {
  it('with what Go writes of an object in which nothing is set', () => {
    assert.deepEqual(object('v1', 'ConfigMap', message()), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { resourceVersion: '7' } });
    assert.deepEqual(object('rbac.authorization.k8s.io/v1', 'Role', message()), { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { resourceVersion: '7' }, rules: null });
    assert.deepEqual(object('apps/v1', 'Deployment', message())['spec'], { selector: null, strategy: {}, template: { metadata: {}, spec: { containers: null } } });
  });

  const time = (seconds: bigint, nanos = 0n) => message(field(1, seconds), field(2, nanos));
  const lease = (acquire: Buffer) => (object('coordination.k8s.io/v1', 'Lease', field(2, field(3, acquire)))['spec'] as JsonObject)['acquireTime'];
  for (const [title, seconds, nanos, expected] of [
    ['a time of microseconds keeps its zeros', 1764079320n, 1_000n, '2025-11-25T14:02:00.000001Z'],
    ['what is smaller is cut off', 1764079320n, 999_999_999n, '2025-11-25T14:02:00.999999Z'],
    ['a time before 1970 is one', -1n, 0n, '1969-12-31T23:59:59.000000Z'],
    ['the year 1 is no time', -62_135_596_800n, 0n, null],
  ] as const) it(title, () => assert.equal(lease(time(seconds, nanos)), expected));

  it('numbers: 64 bits are exact, 32 bits have a sign, what is empty is left out only where Go does so', () => {
    const spec = object('apps/v1', 'ControllerRevision', message(field(3, 9_007_199_254_740_993n)));
    assert.equal(spec['revision'], 9_007_199_254_740_993n);
    assert.ok(jsonText(spec).includes('"revision": 9007199254740993'));
    assert.equal(object('scheduling.k8s.io/v1', 'PriorityClass', field(2, -10n))['value'], -10);
    assert.equal(object('scheduling.k8s.io/v1', 'PriorityClass', message())['value'], 0);
    assert.equal(Object.hasOwn(object('scheduling.k8s.io/v1', 'PriorityClass', field(3, 0n)), 'globalDefault'), false);
  });

  it('a quantity that is not set is 0, and one that is set is what it is', () => {
    const divisor = (content: Buffer) => {
      const { spec } = object('v1', 'Pod', field(2, field(2, field(7, field(3, field(2, content))))));
      return JSON.parse(jsonText(spec!)).containers[0].env[0].valueFrom.resourceFieldRef;
    };
    assert.deepEqual(divisor(message()), { resource: '', divisor: '0' });
    assert.deepEqual(divisor(field(3, field(1, '1m'))), { resource: '', divisor: '1m' });
  });

  it('a name that a user chose may be any', () => {
    const { data } = object('v1', 'ConfigMap', message(field(2, message(field(1, '__proto__'), field(2, 'x'))), field(2, message(field(1, 'empty')))));
    assert.ok(isObject(data));
    assert.deepEqual(Object.entries(data), [['__proto__', 'x'], ['empty', '']]);
  });

  it('texts are what they are, however many there are and however alike', () => {
    const draw = seededDraw(7);
    const letters = ['a', 'b', '/', '\x7f', 'é', '日'];
    const texts = Array.from({ length: 10_000 }, (_, at) => `${String(at % 5000).padStart(4, '0')}${Array.from({ length: Math.floor(draw() * 42) }, () => letters[Math.floor(draw() * (at % 2 === 0 ? 4 : 6))]).join('')}`);
    const { data } = object('v1', 'ConfigMap', message(...texts.map((text, at) => field(2, message(field(1, String(at)), field(2, text))))));
    assert.deepEqual(Object.values(data as JsonObject), texts);
  });

  it('managed fields are those of the object, whatever others had before', () => {
    const fields = (names: readonly number[]) => Object.fromEntries(names.map((name) => [`f:${name}`, {}]));
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 600; at++) {
        const { metadata } = object('v1', 'ConfigMap', field(1, field(17, field(7, field(1, JSON.stringify(fields([at % 300, 7])))))));
        assert.deepEqual((metadata as JsonObject)['managedFields'], [{ fieldsV1: fields([at % 300, 7]) }]);
      }
    }
  });

  it('a number or a text is each where both may be', () => {
    const port = (content: Buffer) => (JSON.parse(jsonText(object('v1', 'Service', field(2, field(1, field(4, content))))['spec']!)).ports[0].targetPort);
    assert.deepEqual([port(message()), port(message(field(1, 0n), field(2, 8080n))), port(message(field(1, 1n), field(2, 0n), field(3, 'http'))), port(field(2, -1n))], [0, 8080, 'http', -1]);
  });

  it('what a newer Kubernetes wrote is left out and named', () => {
    const decoded = decode(stored('apps/v1', 'Deployment', message(field(2, message(field(1, 3n), field(99, 'new'), field(3, field(2, field(98, 1n))))), field(77, ''))));
    assert.ok(decoded.object);
    assert.deepEqual(decoded.unknown, ['spec field 99', 'spec.template.spec field 98', 'field 77']);
    assert.equal((decoded.object['spec'] as JsonObject)['replicas'], 3);
  });

  for (const [title, value, why] of [
    ['cut short', stored('v1', 'ConfigMap', message()).subarray(0, 12), /damaged/],
    ['a kind that nobody knows', stored('example.org/v1', 'Thing', message()), /has no Thing of example\.org\/v1/],
    ['a text where a message should be', stored('v1', 'ConfigMap', field(1, 'no message at all')), /damaged/],
    ['a number where a text should be', stored('v1', 'ConfigMap', field(1, field(1, 5n))), /damaged/],
    ['neither protobuf nor JSON', Buffer.from('hello'), /neither/],
    ['JSON that is no object', Buffer.from('[1]'), /neither/],
    ['nothing', Buffer.alloc(0), /neither/],
    ['encrypted by a service', Buffer.from('k8s:enc:kms:v2:vault:abc'), /key management service \(kms, vault\)/],
    ['encrypted with a key that is not here', Buffer.from('k8s:enc:aesgcm:v1:new:abc'), /aesgcm, key new\), and that key is not here/],
  ] as const) it(`says why it cannot be read: ${title}`, () => {
    const decoded = decode(value);
    assert.equal(decoded.object, undefined);
    assert.match((decoded as { readonly why: string }).why, why);
  });

  it('encrypted with aesgcm under a key that is not ASCII', () => {
    const [key, secret, nonce] = ['/registry/roles/shop/größe', Buffer.alloc(32, 7), Buffer.alloc(12, 1)];
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(key));
    const value = Buffer.concat([Buffer.from('k8s:enc:aesgcm:v1:one:'), nonce, cipher.update('{"kind":"Role"}'), cipher.final(), cipher.getAuthTag()]);
    assert.equal(decodeValue({ key: Buffer.from(key).toString('latin1'), value, revision: 7 }, new Map([['aesgcm:one', [secret]]])).object?.['kind'], 'Role');
  });

  it('no byte of it can be cut off or turned so that anything is thrown', () => {
    const whole = stored('apps/v1', 'Deployment', message(field(1, message(field(1, 'web'), field(8, time(1764079320n)))), field(2, message(field(1, 3n), field(3, field(2, field(2, field(1, 'x'))))))));
    for (let length = 0; length < whole.length; length++) decode(whole.subarray(0, length));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const turned = Buffer.from(whole);
      turned[bit >> 3]! ^= 1 << (bit & 7);
      decode(turned);
    }
  });
});

describe('JSON', () => {
  it('keeps whole numbers that are beyond 2^53', () => assert.equal(jsonText(parseJson('{"b":12345678901234567890,"a":[1.5,-9007199254740993]}')).replaceAll(/\s/g, ''), '{"a":[1.5,-9007199254740993],"b":12345678901234567890}'));
});
