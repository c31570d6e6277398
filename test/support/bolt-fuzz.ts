import assert from 'node:assert/strict';
import { fnv1a, leafFlag, leafRow, openBolt, pageOf, type BoltRow, type ReadAt } from '../../src/bolt/bolt-file.ts';
import { hashKvOf, revisionsOf } from '../../src/bolt/key-space.ts';
import { firstLoose } from '../../src/bolt/key-history.ts';
import { keyValueOf } from '../../src/bolt/key-value.ts';
import { newestValues } from '../../src/bolt/newest-values.ts';
import { scanBucket } from '../../src/bolt/scan-bucket.ts';
import { seededDraw } from '../../src/lib/seeded-draw.ts';

export interface FuzzCounts {
  readonly refused: number;
  /** Read to the end: what was changed is in no page that counts, or in a value, which nothing in the format protects. */
  readonly read: number;
  /** ms of the slowest case. */
  readonly slowest: number;
}

/** ms; a case takes some, so one that takes that long goes round. */
const limit = 20_000;
const extremes = [0, 1, 2, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff];

/**
 * Breaks a backend file in one way after the other, and reads it in every way that there is. Each has to give an error that says where, or rows as they were: only of a row whose own bytes were
 * changed nobody can know. Throws what was otherwise, with the number of the case.
 */
export async function fuzzBolt(bytes: Buffer, { seed, count, from = 0 }: { readonly seed: number; readonly count: number; readonly from?: number }): Promise<FuzzCounts> {
  const whole = sourceOf(bytes, bytes.length);
  const truth = rowsEver(bytes, openBolt(whole).pageSize);
  for (const { key, value } of openBolt(whole).rows('key')) truth.set(key.toString('latin1'), Buffer.from(value));
  const { pageSize } = openBolt(whole);
  let [refused, read, slowest] = [0, 0, 0];
  for (let number = from; number < from + count; number++) {
    const broken = breakOne(bytes, pageSize, seededDraw(seed * 1_000_003 + number));
    const start = performance.now();
    try {
      await readAll(sourceOf(bytes, broken.size), { truth, changed: broken.changed, file: bytes });
      read++;
    } catch (error) {
      const { code, message, stack } = error as Error & { readonly code?: string };
      assert.equal(code, 'data-damaged', `case ${number} (${broken.how}): ${stack}`);
      assert.match(message, /page|offset|byte|revision|bucket/, `case ${number} (${broken.how}) does not say where: ${message}`);
      refused++;
    } finally {
      for (const [offset, byte] of broken.changed) bytes[offset] = byte;
    }
    slowest = Math.max(slowest, performance.now() - start);
    assert.ok(slowest < limit, `case ${number} (${broken.how}) took ${Math.round(slowest)} ms`);
  }
  return { refused, read, slowest };
}

/** Also those of pages that are free: what a revision wrote is always the same, and a branch that leads to such a page looks like any other. */
function rowsEver(bytes: Buffer, pageSize: number): Map<string, Buffer> {
  const rows = new Map<string, Buffer>();
  for (let at = 2 * pageSize; at < bytes.length; at += pageSize) {
    const length = (bytes.readUInt32LE(at + 12) + 1) * pageSize;
    if (bytes.readUInt16LE(at + 8) !== leafFlag || at + length > bytes.length) continue;
    try {
      const page = pageOf(bytes.subarray(at, at + length), at / pageSize);
      for (let index = 0; index < page.count; index++) {
        const { key, value } = leafRow(page, index);
        rows.set(key.toString('latin1'), Buffer.from(value));
      }
    } catch (error) {
      // Something else was written over it since.
      assert.equal((error as { readonly code?: string }).code, 'data-damaged');
    }
  }
  return rows;
}

function sourceOf(bytes: Buffer, size: number): ReadAt {
  return {
    size,
    read(offset, length) {
      if (!(offset >= 0 && offset + length <= size)) throw new Error(`it reads bytes ${offset} to ${offset + length} of ${size}`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

interface Broken {
  readonly how: string;
  readonly size: number;
  /** What stood at an offset before. */
  readonly changed: ReadonlyMap<number, number>;
}

function breakOne(bytes: Buffer, pageSize: number, draw: () => number): Broken {
  const below = (end: number) => Math.floor(draw() * end);
  const pick = <T>(all: readonly T[]) => all[below(all.length)]!;
  const changed = new Map<number, number>();
  const put = (offset: number, value: number) => {
    if (!changed.has(offset)) changed.set(offset, bytes[offset]!);
    bytes[offset] = value;
  };
  const putNumber = (offset: number, length: number, value: number) => {
    for (let at = 0; at < length; at++) put(offset + at, Math.floor(value / 256 ** at) % 256);
  };
  const page = () => pageSize * (2 + below(bytes.length / pageSize - 2));
  const number = () => pick([() => pick(extremes), () => below(bytes.length / pageSize), () => below(70_000)])();
  const ways: readonly (readonly [string, () => number | undefined])[] = [
    ['bits', () => void Array.from({ length: 1 + below(8) }, () => below(bytes.length)).forEach((at) => put(at, bytes[at]! ^ (1 << below(8))))],
    ['bytes', () => void Array.from({ length: 20 }, () => below(bytes.length)).forEach((at) => put(at, below(256)))],
    ['cut', () => below(bytes.length)],
    ['header', () => {
      const [at, length] = pick([[0, 8], [8, 2], [10, 2], [12, 4]] as const);
      putNumber(page() + at, length, number());
      return undefined;
    }],
    ['element', () => {
      const start = page();
      putNumber(start + 16 + 16 * below(Math.max(1, Math.min(bytes.readUInt16LE(start + 10), 200))) + 4 * below(4), 4, number());
      return undefined;
    }],
    ['page moved', () => {
      const [from, to] = [page(), page()];
      for (let at = 8; at < pageSize; at++) put(to + at, bytes[from + at]!);
      putNumber(to + 12, 4, 0);
      return undefined;
    }],
    ['meta', () => {
      for (const id of [0, 1]) {
        const meta = id * pageSize + 16;
        const [at, length] = pick([[8, 4], [16, 6], [24, 6], [40, 6], [48, 6]] as const);
        putNumber(meta + at, length, number());
        const sum = fnv1a(bytes.subarray(meta, meta + 56));
        for (let byte = 0; byte < 8; byte++) put(meta + 56 + byte, Number((sum >> BigInt(8 * byte)) & 0xffn));
      }
      return undefined;
    }],
  ];
  const [how, act] = pick(ways);
  return { how, size: act() ?? bytes.length, changed };
}

interface Known {
  /** By revision, as etcd stores it. */
  readonly truth: ReadonlyMap<string, Buffer>;
  readonly changed: ReadonlyMap<number, number>;
  readonly file: Buffer;
}

async function readAll(source: ReadAt, known: Known): Promise<void> {
  const pages = { size: source.size, place: (offset: number) => offset, read: async (offset: number, length: number) => source.read(offset, length) };
  let first: Error | undefined;
  // What one of them refuses another one may give.
  for (const look of [
    async () => {
      for await (const rows of scanBucket(pages, 'key')) for (const row of rows) refuseOther(row, known);
    },
    async () => {
      const file = openBolt(source);
      for (const row of file.rows('key')) refuseOther(row, known);
      for (const _ of file.rows('lease'));
      file.edge('key');
      await hashKvOf(file, Number.MAX_SAFE_INTEGER, revisionsOf(file).compacted);
      await firstLoose(file, 0);
    },
    async () => void (await newestValues(pages, () => true)),
  ]) {
    try {
      await look();
    } catch (error) {
      if ((error as { readonly code?: string }).code !== 'data-damaged') throw error;
      first ??= error as Error;
    }
  }
  if (first) throw first;
}

/** What a row says has to be what it said, or its own bytes were changed. */
function refuseOther(row: BoltRow, { truth, changed, file }: Known): void {
  const { key, value } = row;
  keyValueOf(row);
  if (truth.get(key.toString('latin1'))?.equals(value)) return;
  const from = key.byteOffset - file.byteOffset;
  const end = value.byteOffset - file.byteOffset + value.length;
  for (const offset of changed.keys()) {
    // Its place and lengths in the list of the page are its own too: of the last row nothing follows that would show them.
    const entry = offset - (offset % 16);
    if ((offset >= from && offset < end) || entry + file.readUInt32LE(entry + 4) === from) return;
  }
  throw new Error(`revision ${key.toString('hex')}, at offset ${from}, has another value`);
}
