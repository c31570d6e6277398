import { Composer, isAlias, isMap, isPair, isScalar, isSeq, Lexer, LineCounter, Parser, visit, YAMLParseError } from 'yaml';
import type { CST, Document, Node, Pair } from 'yaml';
import { showPath } from './_finding.ts';
import type { Finding, Path } from './_finding.ts';
import type { Problem } from './problem.ts';

/** A YAML text as plain values, with a way back from a field to its line. */
export interface YamlText {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** Whether `value` is worth looking at: not after broken syntax. */
  readonly readable: boolean;
  place(finding: Finding): Problem;
  placeAt(offset: number, message: string, suggestion: string): Problem;
}

/** Reads a YAML text that nobody has vouched for: syntax errors, repeated fields, tags and masses of aliases become problems. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const placeAt = (offset: number, message: string, suggestion?: string): Problem => {
    const { line, col } = lines.linePos(Math.max(0, offset));
    return { line: Math.max(1, line), column: Math.max(1, col), path: '', message, ...(suggestion !== undefined && { suggestion }) };
  };
  const unreadable = (problem: Problem): YamlText => ({ value: undefined, readable: false, problems: [problem], place: () => problem, placeAt });
  const document = compose(text, lines);
  if (document === undefined) return unreadable({ line: 1, column: 1, path: '', message: 'the file is nested too deeply or has too many values for a cluster file' });
  const problems = [...document.errors, ...document.warnings].map(({ code, pos, message }) => placeAt(pos[0], ...explain(code, message, text.slice(pos[0], pos[0] + 60))));
  try {
    const value: unknown = document.toJS({ maxAliasCount });
    return {
      value,
      problems,
      readable: document.errors.every(({ code }) => code === 'DUPLICATE_KEY'),
      placeAt,
      place: ({ path, at, message, suggestion }) => ({ ...placeAt(offsetOf(document, path, at ?? 'value'), message, suggestion), path: showPath(path) }),
    };
  } catch (caught) {
    if (!(caught instanceof ReferenceError || caught instanceof RangeError)) throw caught;
    if (document.errors.length > 0) return { ...unreadable(problems[0]!), problems };
    return unreadable(placeAt(firstAlias(document), 'the file repeats too much through anchors and aliases, or an alias contains itself', 'write the fields out'));
  }
}

/** Enough for a person who repeats a block for every host, too few for an anchor bomb. */
const maxAliasCount = 100;

const maxDepth = 50;
const maxWords = 50_000;

/**
 * What `parseDocument` of the library does, with an end: its time grows with the square of the number of fields and worse with their depth.
 * Undefined where a limit is passed.
 */
function compose(text: string, lines: LineCounter): Document.Parsed | undefined {
  const parser = new Parser(lines.addNewLine);
  let within = true;
  const tokens = function* (): Generator<CST.Token, void> {
    lines.addNewLine(0);
    let words = 0;
    for (const word of new Lexer().lex(text)) {
      yield* parser.next(word);
      within = parser.stack.length <= maxDepth && ++words <= maxWords;
      if (!within) return;
    }
    yield* parser.end();
  };
  const documents = new Composer({ uniqueKeys: true, logLevel: 'error' }).compose(tokens(), true, text.length);
  const first = documents.next().value ?? undefined;
  const second = documents.next().value ?? undefined;
  if (first && second) first.errors.push(new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', ''));
  return within ? first : undefined;
}

function explain(code: string, message: string, at: string): [message: string, suggestion?: string] {
  if (code === 'DUPLICATE_KEY') return [`${/^[\w-]+/.exec(at)?.[0] ?? 'this field'} is given twice`, 'keep one of them'];
  if (code === 'MULTIPLE_DOCS') return ['the file holds more than one YAML document', 'keep one cluster per file'];
  if (code === 'TAG_RESOLVE_FAILED') return ['YAML tags are not used in a cluster file', 'take the ! and its word away'];
  if (code === 'TAB_AS_INDENT') return ['tabs cannot indent YAML', 'use spaces'];
  return [`this is not YAML: ${message.replace(/\.$/, '').replace(/^./, (first) => first.toLowerCase())}`];
}

/** Where a field stands; where it is missing, where the mapping that should have it stands. */
function offsetOf(document: Document.Parsed, path: Path, at: 'name' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const pair = isMap(node) ? pairOf(node.items, part) : undefined;
    const inner: unknown = pair ? pair.value : isSeq(node) ? node.items[Number(part)] : undefined;
    if (pair === undefined && inner === undefined) return offset;
    const last = depth === path.length - 1;
    const name = pair && startOf(pair.key);
    offset = (last && at === 'name' ? name : undefined) ?? startOf(inner) ?? name ?? offset;
    // The mapping below a field starts on a later line: a missing field is reported at the name of the one that should have it.
    if (!last && name !== undefined && missing(document, inner, path[depth + 1]!)) return name;
    node = inner;
  }
  return offset;
}

function missing(document: Document.Parsed, node: unknown, part: string | number): boolean {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  return isMap(resolved) ? pairOf(resolved.items, part) === undefined : !isSeq(resolved);
}

function pairOf(items: readonly Pair[], name: string | number): Pair | undefined {
  // The last one of a repeated field is the one whose value is used.
  return items.findLast((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(name));
}

function startOf(node: unknown): number | undefined {
  return (node as Node | undefined | null)?.range?.[0];
}

function firstAlias(document: Document.Parsed): number {
  let offset = 0;
  visit(document, {
    Alias: (_, alias) => {
      offset = alias.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}
