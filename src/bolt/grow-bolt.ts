import { TreeWriter, type PageSink } from './_tree-writer.ts';
import { broken, fnv1a, openBolt, pageHeader, type ReadAt } from './bolt-file.ts';

/** A backend file that nobody else has open. */
export interface ReadWriteAt extends ReadAt {
  write(offset: number, bytes: Buffer): void;
}

/** One transaction: nothing of it is in the file before `commit`. */
export interface GrowingBolt {
  /** Rows for the right end of a bucket: each must come after all that it has. */
  behind(bucket: string): Pick<TreeWriter, 'add'>;
  /** Rows for a bucket instead of those that it has, in the order of their keys. */
  instead(bucket: string): Pick<TreeWriter, 'add'>;
  /** Bytes that the file has now. Nothing can be added afterwards. */
  commit(): number;
}

const bucketHeader = 16;
/** Bytes that are written at once. */
const pieceLength = 1 << 20;

/**
 * Adds a transaction to a backend file as bbolt does it: changed pages are written anew behind all that are there, and at the end both meta pages say where the new root is, as in a file that
 * etcd's Snapshot stream carries. Which pages are free is left to who opens it, as etcd leaves it. Reads the file's right edge only. Throws `data-damaged`.
 */
export function growBolt(file: ReadWriteAt): GrowingBolt {
  const before = openBolt(file);
  const { pageSize, transaction } = before;
  if (before.pages * pageSize > file.size) throw broken(`it ends before its ${before.pages} pages do`);
  const sink = pagesAt(file, before.pages, pageSize);
  const trees = new Map<string, TreeWriter>();
  const grow = (bucket: string, continued: boolean): TreeWriter => {
    const edge = before.edge(bucket);
    if (!edge) throw broken(`it has no bucket ${bucket}`);
    const tree = new TreeWriter(sink, continued ? edge : undefined);
    trees.set(bucket, tree);
    return tree;
  };
  return {
    behind: (bucket) => grow(bucket, true),
    instead: (bucket) => grow(bucket, false),
    commit() {
      const top = new TreeWriter(sink);
      for (const { key, value, flags } of before.buckets()) {
        const tree = trees.get(key.toString());
        top.add({ key, value: tree ? movedTo(tree.finish(), value) : value, flags });
      }
      const root = top.finish();
      const pages = sink.done();
      for (const id of [0, 1]) file.write(id * pageSize, metaPage(id, before.meta, { root, pages, pageSize, transaction: transaction + 1n - BigInt(id) }));
      return pages * pageSize;
    },
  };
}

/** The row of a bucket keeps its sequence number; a small bucket that lay inside it has a page of its own then. */
function movedTo(root: number, row: Buffer): Buffer {
  const moved = Buffer.from(row.subarray(0, bucketHeader));
  moved.writeUIntLE(root, 0, 6);
  moved.writeUInt16LE(0, 6);
  return moved;
}

function pagesAt(file: ReadWriteAt, first: number, pageSize: number): PageSink & { done(): number } {
  let piece = Buffer.alloc(pieceLength);
  let [next, written] = [first, first];
  const flush = () => {
    file.write(written * pageSize, piece.subarray(0, (next - written) * pageSize));
    written = next;
    piece.fill(0);
  };
  return {
    pageSize,
    take(pages) {
      if ((next - written + pages) * pageSize > piece.length) flush();
      if (pages * pageSize > piece.length) piece = Buffer.alloc(pages * pageSize);
      const id = next;
      next += pages;
      return { id, bytes: piece.subarray((id - written) * pageSize, (next - written) * pageSize) };
    },
    done() {
      flush();
      return next;
    },
  };
}

const metaFlag = 0x04;
/** Instead of a page with the list of free ones: whoever opens the file looks for them. */
const noFreeList = 0xffffffffffffffffn;

function metaPage(id: number, before: Buffer, { root, pages, transaction, pageSize }: { readonly root: number; readonly pages: number; readonly transaction: bigint; readonly pageSize: number }): Buffer {
  const page = Buffer.alloc(pageSize);
  page.writeUInt8(id, 0);
  page.writeUInt16LE(metaFlag, 8);
  const meta = page.subarray(pageHeader);
  before.copy(meta);
  meta.writeBigUInt64LE(BigInt(root), 16);
  meta.writeBigUInt64LE(noFreeList, 32);
  meta.writeBigUInt64LE(BigInt(pages), 40);
  meta.writeBigUInt64LE(transaction, 48);
  meta.writeBigUInt64LE(fnv1a(meta.subarray(0, 56)), 56);
  return page;
}
