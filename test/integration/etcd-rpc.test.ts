import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { DescriptorProto, FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { file_rpc } from '../../src/clients/etcd/_rpc.ts';
import { cachedProgram } from '../support/cached-program.ts';

test('our part of the API has the names, numbers and types of the one inside the real etcd', () => {
  const [ours, theirs] = [linesOf(file_rpc.proto), new Set(linesOf(descriptionInside(readFileSync(cachedProgram('etcd', '3.7.3')))))];
  assert.ok(ours.length > 70 && theirs.size > ours.length, `${ours.length} lines of ours, ${theirs.size} of etcd`);
  assert.deepEqual(ours.filter((line) => !theirs.has(line)), []);
});

test('the description carries the proto file that is committed', () => {
  const proto = readFileSync(new URL('../../src/clients/etcd/rpc.proto', import.meta.url), 'utf8');
  for (const { name, field } of file_rpc.proto.messageType) {
    assert.ok(proto.includes(`message ${name} {`));
    for (const one of field) assert.match(proto, new RegExp(`\\b${one.name} = ${one.number};`));
  }
  assert.equal([...proto.matchAll(/^message /gm)].length, file_rpc.proto.messageType.length);
});

/** The descriptor of rpc.proto lies in the program as it is: it starts with its name and its package, and ends with its syntax. */
function descriptionInside(program: Buffer): FileDescriptorProto {
  const start = program.indexOf('\x0a\x09rpc.proto\x12\x0cetcdserverpb', 'latin1');
  assert.notEqual(start, -1, 'no description of rpc.proto in the program');
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
