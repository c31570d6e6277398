/** Of so many pieces the content is kept. */
const keep = 16;

/** Gets pieces by their number, each once while it is among the last ones that were asked for. `onBytes` hears how many bytes have come in all. */
export function piecesOnce(get: (piece: number) => Promise<Buffer>, onBytes?: (bytes: number) => void): (piece: number) => Promise<Buffer> {
  const kept = new Map<number, Promise<Buffer>>();
  let bytes = 0;
  const got = async (piece: number) => {
    const content = await get(piece);
    bytes += content.length;
    onBytes?.(bytes);
    return content;
  };
  return (piece) => {
    const content = kept.get(piece) ?? got(piece);
    // The last one that was asked for stands last.
    kept.delete(piece);
    kept.set(piece, content);
    for (const [oldest] of kept) {
      if (kept.size <= keep) break;
      kept.delete(oldest);
    }
    return content;
  };
}

/** Reads from a file that lies in pieces of one length. */
export function acrossPieces(pieceLength: number, get: (piece: number) => Promise<Buffer>): (offset: number, length: number) => Promise<Buffer> {
  return async (offset, length) => {
    const [first, last] = [Math.floor(offset / pieceLength), Math.floor((offset + length - 1) / pieceLength)];
    const pieces = await Promise.all(Array.from({ length: last - first + 1 }, (_, index) => get(first + index)));
    const from = offset - first * pieceLength;
    return (pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)).subarray(from, from + length);
  };
}
