import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { seededDraw } from '../../lib/seeded-draw.ts';
import { KeyValueSchema } from './_kv.ts';
import { rowEncoder } from './stored-rows.ts';

test('rows have the bytes that the description of KeyValue asks for, one after the other', () => {
  const [draw, rows] = [seededDraw(7), rowEncoder()];
  const below = (limit: number) => Math.floor(draw() * limit);
  for (let count = 0; count < 500; count++) {
    const [key, value] = [Buffer.alloc(1 + below(300), draw().toString()), below(4) === 0 ? undefined : Buffer.alloc(below(3) === 0 ? 0 : below(5000), 'v')];
    const [revision, version] = [1 + below(2 ** 48), 1 + below(2 ** 33)];
    const createRevision = 1 + below(revision);
    const lease = [0n, 5n, -(2n ** 62n), 2n ** 62n + 1n][below(4)]!;
    const row = rows.change({ revision, key, value, createRevision, version, lease }, below(2000));
    const all = value ? { key, value, createRevision: BigInt(createRevision), modRevision: BigInt(revision), version: BigInt(version), lease } : { key };
    assert.deepEqual(row.value, Buffer.from(toBinary(KeyValueSchema, create(KeyValueSchema, all))));
  }
});

test('keys of rows are in the order of revisions, and say what was deleted', () => {
  const rows = rowEncoder();
  const keyOf = (revision: number, sub: number, value: Buffer | undefined) => rows.change({ revision, key: Buffer.from('k'), value, createRevision: 1, version: 1, lease: 0n }, sub).key.toString('hex');
  assert.equal(keyOf(0x1_0000_0002, 3, Buffer.alloc(0)), '00000001000000025f0000000000000003');
  assert.equal(keyOf(2, 0, undefined), '00000000000000025f000000000000000074');
  assert.equal(rows.lease(-2n, 60).key.toString('hex'), 'fffffffffffffffe');
  assert.equal(rows.lease(7n, 300).value.toString('hex'), '080710ac02');
});
