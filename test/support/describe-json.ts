import { basename, dirname, join } from 'node:path';
import ts from 'typescript';
import { commands } from '../../src/cli/commands.ts';

interface Printed {
  readonly kind: string;
  readonly command: string;
  readonly fields: readonly Field[];
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly means: string;
}

/**
 * Every document that a command prints with --json, as Markdown, and the types of its fields: found wherever src/cli calls
 * `print({ kind, data, … })`. Throws where a document's kind is not a literal, since it could not be listed.
 */
export function describeJson(tsconfig: string): string {
  const { printed, types } = readSource(tsconfig);
  const kinds = [...Map.groupBy(printed, ({ kind }) => kind)].toSorted(([a], [b]) => a.localeCompare(b));
  const named = [...types].toSorted(([a], [b]) => a.localeCompare(b));
  return [
    ...kinds.map(([kind, documents]) => describe(kind, documents)),
    ...(named.length === 0 ? [] : ['## Types']),
    ...named.map(([name, fields]) => `### ${name}\n\n${table(fields)}`),
  ].join('\n\n');
}

function describe(kind: string, documents: readonly Printed[]): string {
  const commands = [...new Set(documents.map(({ command }) => `\`${command}\``))].sort();
  const fields = new Map(documents.flatMap((one) => one.fields).map((field) => [field.name, field]));
  return `### ${kind}\n\nPrinted by ${commands.join(', ')}.\n\n${table([...fields.values()])}`;
}

function table(fields: readonly Field[]): string {
  const rows = fields.map(({ name, type, means }) => `| \`${name}\` | \`${type.replaceAll('|', '\\|')}\` | ${means.replaceAll('|', '\\|')} |`);
  return ['| field | type | |', '| --- | --- | --- |', ...rows].join('\n');
}

function readSource(tsconfig: string): { readonly printed: readonly Printed[]; readonly types: ReadonlyMap<string, readonly Field[]> } {
  const root = dirname(tsconfig);
  const { config } = ts.readConfigFile(tsconfig, (path) => ts.sys.readFile(path));
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const folder = `${join(root, 'src/cli')}/`;
  const program = ts.createProgram(fileNames.filter((file) => file.startsWith(folder) && !file.endsWith('.test.ts')), options);
  const reader = createReader(program.getTypeChecker(), root);
  const printed: Printed[] = [];
  for (const source of program.getSourceFiles()) {
    if (!source.fileName.startsWith(folder)) continue;
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && /^(\w+\.)?print$/.test(node.expression.getText())) printed.push(...reader.documents(node, commandOf(source.fileName)));
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return { printed, types: reader.types };
}

/** The command's: of one that is long there are several files, each named by what it does. */
function commandOf(fileName: string): string {
  const name = basename(fileName, '.ts').replace(/^_/, '');
  return name in commands ? name : name.split('-')[0]!;
}

function createReader(checker: ts.TypeChecker, root: string) {
  const types = new Map<string, readonly Field[]>();

  function documents(call: ts.CallExpression, command: string): readonly Printed[] {
    const [argument] = call.arguments;
    if (!argument || !ts.isObjectLiteralExpression(argument)) throw new Error(`${command} prints a document that is not an object literal`);
    const kinds = typeOf(argument, 'kind');
    const fields = fieldsOf(typeOf(argument, 'data'), call);
    return (kinds?.isUnion() ? kinds.types : [kinds]).map((kind) => {
      if (!kind?.isStringLiteral()) throw new Error(`${command} prints a document whose kind is not a literal`);
      return { kind: kind.value, command, fields };
    });
  }

  function typeOf(literal: ts.ObjectLiteralExpression, name: string): ts.Type | undefined {
    const property = literal.properties.find((one) => one.name?.getText() === name);
    return property && checker.getTypeAtLocation(ts.isPropertyAssignment(property) ? property.initializer : (property.name ?? property));
  }

  function fieldsOf(type: ts.Type | undefined, at: ts.Node): readonly Field[] {
    const parts = type?.isUnion() ? type.types : type ? [type] : [];
    const symbols = new Map(parts.flatMap((part) => part.getProperties()).map((symbol) => [symbol.name, symbol]));
    return [...symbols.values()].map((symbol) => {
      const declared = checker.getTypeOfSymbolAtLocation(symbol, at);
      collect(declared, at);
      const optional = (symbol.flags & ts.SymbolFlags.Optional) !== 0;
      const text = checker.typeToString(declared, at, ts.TypeFormatFlags.NoTruncation).replaceAll(/import\("[^"]*"\)\./g, '');
      return {
        name: `${symbol.name}${optional ? '?' : ''}`,
        type: optional ? text.replace(/ \| undefined$/, '') : text,
        means: ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\s+/g, ' '),
      };
    });
  }

  /** Remembers the fields of every type of ours that a field mentions. */
  function collect(type: ts.Type, at: ts.Node): void {
    if (type.isUnionOrIntersection()) return type.types.forEach((part) => collect(part, at));
    if (checker.isArrayType(type) || checker.isTupleType(type)) return checker.getTypeArguments(type as ts.TypeReference).forEach((part) => collect(part, at));
    if (!(type.flags & ts.TypeFlags.Object)) return;
    const symbol = type.aliasSymbol ?? type.symbol;
    const ours = symbol?.declarations?.some((declaration) => declaration.getSourceFile().fileName.startsWith(`${root}/src/`)) === true;
    const name = symbol?.name ?? '__type';
    if (!ours || types.has(name) || type.getCallSignatures().length > 0) return;
    if (name.startsWith('__')) return type.getProperties().forEach((property) => collect(checker.getTypeOfSymbolAtLocation(property, at), at));
    types.set(name, []);
    types.set(name, fieldsOf(type, at));
  }

  return { documents, types };
}
