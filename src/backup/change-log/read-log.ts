import { KubekeepError } from '../../lib/errors.ts';
import type { CaptureKeys } from '../captures.ts';
import { captureOf, damaged, decryptObject } from '../format/encrypted-object.ts';
import { entryName } from '../format/chain-entry.ts';
import { decodeSegment, type Segment } from '../format/segment.ts';
import type { Repository } from '../repository.ts';
import { logOf, type SegmentPart } from './coverage.ts';
import { follows } from './log-record.ts';

/** All revisions from `first` to `last` of a timeline, in pieces. Throws `point-missing` where the log does not have them all, `repository-damaged`. */
export async function* readLog(repository: Repository, { timeline, first, last }: { readonly timeline: string; readonly first: number; readonly last: number }, keys: CaptureKeys): AsyncGenerator<Segment> {
  let next = first;
  for (const part of logOf(repository.chain, timeline)) {
    if (part.last < next || next > last) continue;
    if (part.kind === 'hole') throw new KubekeepError('point-missing', `revisions ${part.first} to ${part.last} of etcd are lost: ${part.why}`, { hint: 'kubekeep backup list shows what there is.' });
    const { records, leases } = await readSegment(repository, part, keys);
    const wanted = records.filter(({ revision }) => revision >= next && revision <= last);
    follows(next, wanted[0]?.revision ?? part.first);
    next = wanted.at(-1)!.revision + 1;
    yield { records: wanted, leases };
  }
  if (next <= last) throw new KubekeepError('point-missing', `the log ends at revision ${next - 1}, and revision ${last} is wanted`, { hint: 'kubekeep backup list shows what there is.' });
}

/** `only`: of other revisions what they changed is left out. Throws `repository-damaged` where the records are not those that the chain speaks of. */
export async function readSegment(repository: Repository, part: SegmentPart, keys: CaptureKeys, only?: ReadonlySet<number>): Promise<Segment> {
  const { first, last } = part;
  const { name, plain } = await (part.object === undefined ? pieceOf(repository, part, keys) : mergedOf(repository, part.object, part, keys));
  const segment = decodeSegment(plain, name, only);
  if (segment.records[0]?.revision !== first || segment.records.at(-1)!.revision !== last) throw damaged(name, `its records are not those of revisions ${first} to ${last}`);
  return segment;
}

interface Plain {
  readonly name: string;
  readonly plain: Buffer;
}

async function pieceOf(repository: Repository, { number, capture }: SegmentPart, keys: CaptureKeys): Promise<Plain> {
  const name = entryName(number);
  const sealed = Buffer.from(String(await repository.chain.payload(number)), 'base64');
  if (captureOf(sealed, name) !== capture) throw damaged(name, 'its records belong to another capture');
  return { name, plain: decryptObject(sealed, { repository: Buffer.from(repository.id, 'hex'), kind: 'segment', name }, await keys(capture)) };
}

async function mergedOf(repository: Repository, object: string, { capture }: SegmentPart, keys: CaptureKeys): Promise<Plain> {
  const name = `segment ${object}`;
  const plain = await repository.get('segment', object, (found) => {
    if (found !== capture) throw damaged(name, 'its records belong to another capture');
    return keys(capture);
  });
  return { name, plain };
}
