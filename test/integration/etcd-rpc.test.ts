import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { file_kv } from '../../src/clients/etcd/_kv.ts';
import { file_rpc } from '../../src/clients/etcd/_rpc.ts';
import { cachedProgram } from '../support/cached-program.ts';

const files = [
  { name: 'rpc.proto', ours: file_rpc.proto, start: '\x0a\x09rpc.proto\x12\x0cetcdserverpb', least: 100 },
  { name: 'kv.proto', ours: file_kv.proto, start: '\x0a\x08kv.proto\x12\x06mvccpb', least: 8 },
];

test('our part of the API has the names, numbers and types of the one inside the real etcd', () => {
  const program = readFileSync(cachedProgram('etcd', '3.7.3'));
  for (const { name, ours: file, start, least } of files) {
    const [ours, theirs] = [linesOf(file), new Set(linesOf(descriptionInside(program, start)))];
    assert.ok(ours.length >= least && theirs.size > ours.length, `${name}: ${ours.length} lines of ours, ${theirs.size} of etcd`);
    assert.deepEqual(ours.filter((line) => !theirs.has(line)), [], name);
  }
});

test('the description carries the proto files that are committed', () => {
  for (const { name: file, ours } of files) {
    const proto = readFileSync(new URL(`../../src/clients/etcd/${file}`, import.meta.url), 'utf8');
    for (const { name, field } of ours.messageType) {
      assert.ok(proto.includes(`message ${name} {`));
      for (const one of field) assert.match(proto, new RegExp(`\\b${one.name} = ${one.number};`));
    }
    assert.equal([...proto.matchAll(/^message /gm)].length, ours.messageType.length);
  }
});

/** The descriptor lies in the program as it is: it starts with its name and its package, and ends with its syntax. */
function descriptionInside(program: Buffer, text: string): FileDescriptorProto {
  const start = program.indexOf(text, 0, 'latin1');
  assert.notEqual(start, -1, 'no description in the program');
  const reader = new BinaryReader(program.subarray(start, start + 200_000));
  for (;;) {
    const [field, type] = reader.tag();
    reader.skip(type);
    if (field === 12) break;
  }
  return fromBinary(FileDescriptorProtoSchema, program.subarray(start, start + reader.pos));
}

function linesOf(file: FileDescriptorProto): string[] {
  return [
    ...file.messageType.flatMap((message) => linesOfMessage(message, message.name)),
    ...file.enumType.flatMap(({ name, value }) => value.map((one) => `enum ${name} ${one.name} ${one.number}`)),
    ...file.service.flatMap(({ name, method }) => method.map((one) => `rpc ${name} ${one.name} ${one.inputType} ${one.outputType}`)),
  ];
}

function linesOfMessage({ field, enumType }: DescriptorProto, message: string): string[] {
  return [
    ...field.map(({ name, number, type, label, typeName }) => `field ${message} ${name} ${number} ${type} ${label} ${typeName}`),
    ...enumType.flatMap(({ name, value }) => value.map((one) => `enum ${message}.${name} ${one.name} ${one.number}`)),
  ];
}
