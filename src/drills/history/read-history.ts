import * as z from 'zod';
import { connectionKinds, historyFormat, looks, outcomes, workloads, type DrillRecord } from './record.ts';

export interface History {
  readonly records: readonly DrillRecord[];
  /** Lines that could not be read, "line 12: not JSON": what they said is not known, so that nothing can be called held. */
  readonly damage: readonly string[];
}

const time = z.number();
const revision = z.int().nonnegative();

const lane = z.strictObject({ name: z.string(), workload: z.enum(workloads), connection: z.enum(connectionKinds), door: z.string(), rate: z.number().nonnegative() });

const request = z.strictObject({
  kind: z.literal('request'),
  lane: z.string(),
  operation: z.enum(['create', 'get', 'update', 'delete']),
  object: z.string(),
  due: time,
  sent: time,
  ended: time,
  outcome: z.enum(outcomes),
  status: z.exactOptional(z.int()),
  error: z.exactOptional(z.string()),
  revision: z.exactOptional(revision),
  value: z.exactOptional(z.string()),
  expected: z.exactOptional(revision),
});

const watched = z.strictObject({
  kind: z.literal('watched'),
  lane: z.string(),
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']),
  object: z.exactOptional(z.string()),
  revision,
  value: z.exactOptional(z.string()),
  at: time,
  from: revision,
});

const sample = z.strictObject({
  kind: z.literal('sample'),
  host: z.string(),
  at: time,
  holdsVip: z.exactOptional(z.boolean()),
  leads: z.exactOptional(z.boolean()),
  term: z.exactOptional(z.number()),
  servers: z.exactOptional(z.array(z.string())),
});

const asked = z.strictObject({ kind: z.literal('asked'), how: z.enum(['ping', 'ARP']), at: time, until: time, count: z.int().positive(), answered: z.boolean(), by: z.exactOptional(z.array(z.string())) });

const hashed = z.strictObject({ kind: z.literal('hash'), host: z.string(), at: time, hash: z.exactOptional(z.int()), revision: z.exactOptional(revision), compactRevision: z.exactOptional(z.int()), error: z.exactOptional(z.string()) });

const look = z.strictObject({ kind: z.literal('look'), about: z.enum(looks), place: z.string(), at: time, through: z.string(), found: z.array(z.string()), error: z.exactOptional(z.string()) });

const record = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('began'), format: z.literal(historyFormat), epoch: z.number(), lanes: z.array(lane) }),
  request,
  watched,
  z.strictObject({ kind: z.literal('watch ended'), lane: z.string(), at: time, from: revision, why: z.string() }),
  sample,
  asked,
  hashed,
  look,
  z.strictObject({ kind: z.literal('mark'), what: z.enum(['fault begins', 'fault is in', 'undo begins', 'undone', 'healthy', 'note']), at: time, about: z.string() }),
  z.strictObject({ kind: z.literal('ended'), at: time, lines: z.int().nonnegative() }),
]) satisfies z.ZodType<DrillRecord>;

/**
 * Reads a history, NDJSON. What cannot be read is left out and named with its line, counted from 1: a line that was cut or is no JSON, a record of an
 * unknown kind or with a field that is missing, unknown or impossible, and a file whose beginning is not in it once, or whose end does not count its lines.
 * Never throws.
 */
export function parseHistory(text: string): History {
  const records: DrillRecord[] = [];
  const damage: string[] = [];
  let beginnings = 0;
  const lines = text.split('\n');
  // Every line ends with a newline, so the last piece is empty unless the file was cut.
  if (lines.at(-1) === '') lines.pop();
  for (const [position, line] of lines.entries()) {
    const read = readLine(line);
    const again = typeof read !== 'string' && read.kind === 'began' && ++beginnings > 1;
    if (typeof read === 'string') damage.push(`line ${position + 1}: ${read}`);
    else if (again) damage.push(`line ${position + 1}: a second beginning`);
    else records.push(read);
  }
  if (beginnings === 0) damage.push('line 1: the record of the beginning is missing');
  damage.push(...missingLines(records, lines.length));
  return { records, damage };
}

function missingLines(records: readonly DrillRecord[], lines: number): string[] {
  const end = records.at(-1);
  if (end?.kind !== 'ended') return [`line ${lines + 1}: the record of the end is missing`];
  return end.lines === lines - 1 ? [] : [`line ${lines}: the end counts ${end.lines} lines before it, there are ${lines - 1}`];
}

/** The record, or what is wrong. */
function readLine(line: string): DrillRecord | string {
  const document = parseJson(line);
  if (document === undefined) return line === '' ? 'empty' : 'not JSON, or cut';
  const { success, data, error } = record.safeParse(document);
  if (!success) return complaint(document, error.issues[0]!);
  if (data.kind === 'request' && data.ended < data.sent) return 'a request that ended before it was sent';
  return data;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function complaint(document: unknown, issue: z.core.$ZodIssue): string {
  const kind = typeof document === 'object' && document !== null && 'kind' in document ? document.kind : undefined;
  if (issue.code === 'invalid_union') return kind === undefined ? 'not a record' : `unknown kind ${JSON.stringify(kind)}`;
  if (issue.code === 'unrecognized_keys') return `unknown field ${issue.keys.join(', ')}`;
  return issue.path.length === 0 ? 'not a record' : `field ${issue.path.join('.')} is not as expected`;
}
