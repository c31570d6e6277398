import { readFileSync, writeFileSync } from 'node:fs';
import { catalogue, exitCodes } from '../../src/lib/errors.ts';
import { describeCis } from './cis/describe-cis.ts';
import { describeCommands } from './describe-commands.ts';
import { describeJson } from './describe-json.ts';
import { fromRepository } from './from-repository.ts';
import { specReference } from './spec-reference.ts';

const begin = '<!-- generated: npm run fix:docs -->';
const end = '<!-- end of generated -->';

/** The reference pages and the part of each that is made from the code. */
export const generatedPages: readonly { readonly path: string; readonly content: () => string | Promise<string> }[] = [
  { path: 'docs/reference/errors.md', content: describeErrors },
  { path: 'docs/reference/exit-codes.md', content: describeExitCodes },
  { path: 'docs/reference/commands.md', content: describeCommands },
  { path: 'docs/reference/json-output.md', content: () => describeJson(fromRepository('tsconfig.json')) },
  { path: 'docs/reference/spec.md', content: specReference },
  { path: 'docs/reference/cis.md', content: describeCis },
];

/** The generated part of a page as it stands in the file. */
export function generatedPart(path: string): string {
  const text = readFileSync(fromRepository(path), 'utf8');
  return text.slice(text.indexOf(begin) + begin.length, text.indexOf(end)).trim();
}

export function writeGeneratedPart(path: string, content: string): void {
  const text = readFileSync(fromRepository(path), 'utf8');
  writeFileSync(fromRepository(path), `${text.slice(0, text.indexOf(begin) + begin.length)}\n\n${content}\n\n${text.slice(text.indexOf(end))}`);
}

function describeErrors(): string {
  const rows = Object.entries(catalogue).map(([code, { kind, means }]) => `| \`${code}\` | ${exitCodes[kind]} | ${means} |`);
  return ['| code | exit code | means |', '| --- | --- | --- |', ...rows].join('\n');
}

function describeExitCodes(): string {
  const rows = Object.entries(exitCodes).map(([kind, code]) => {
    const errors = Object.entries(catalogue).filter(([, error]) => error.kind === kind);
    return `| ${code} | ${kind} | ${errors.map(([name]) => `\`${name}\``).join(', ')} |`;
  });
  return ['| exit code | kind | errors |', '| --- | --- | --- |', '| 0 | done | |', ...rows].join('\n');
}
