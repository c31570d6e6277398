import type { z } from 'zod';
import { show, showPath } from './_finding.ts';
import type { Finding, Path } from './_finding.ts';
import type { KnownFields } from './_known-fields.ts';
import { nearestWord } from '../lib/nearest-word.ts';

/** What can be said about fields that come later, instead of "unknown field". */
const laterFields: ReadonlyMap<string, string> = new Map(
  ['spec.external.kubeconfig', 'spec.endpoint.external'].map((field) => [field, 'comes in a later release; take it out of the file for now']),
);

/** Turns what zod found into sentences with suggestions. `value` is the whole file; `foreign` are the fields of clusters that kubekeep builds, where this is not one. */
export function schemaFindings(issues: readonly z.core.$ZodIssue[], value: unknown, known: KnownFields, foreign: KnownFields = new Map()): readonly Finding[] {
  return issues.flatMap((issue) => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownField([...path, name], known, foreign));
    const problem = issue.code === 'invalid_key' ? issue.issues[0]! : issue;
    const wrong = issue.code === 'invalid_key' ? path.at(-1) : valueAt(value, path);
    return [{
      path,
      at: issue.code === 'invalid_key' ? 'name' : 'value',
      message: `${path.length === 0 ? 'the file' : showPath(path)} ${problem.message}`,
      suggestion: suggest(problem, wrong),
    } satisfies Finding];
  });
}

function unknownField(path: Path, known: KnownFields, foreign: KnownFields): Finding {
  const name = String(path.at(-1));
  const parent = generalPath(path.slice(0, -1));
  const finding = { path, at: 'name' } as const;
  const later = laterFields.get(generalPath(path));
  if (later !== undefined) return { ...finding, message: `${showPath(path)} ${later}` };
  if (foreign.get(parent)?.includes(name)) return { ...finding, message: `${showPath(path)} is not used with spec.external: kubekeep did not build this cluster and changes nothing in it`, suggestion: 'take it out' };
  const siblings = known.get(parent) ?? [];
  const near = nearestWord(name, siblings);
  const homes = [...known].filter(([, fields]) => fields.includes(name)).map(([home]) => home);
  return {
    ...finding,
    message: `${showPath(path)} is not a known field`,
    suggestion: near !== undefined ? `did you mean ${near}?` : homes.length > 0 ? `${name} belongs in ${homes.map((home) => home || 'the top level').join(' or ')}` : `known here: ${siblings.join(', ')}`,
  };
}

function generalPath(path: Path): string {
  return showPath(path).replaceAll(/\[\d+\]/g, '[]');
}

function suggest(issue: z.core.$ZodIssue, wrong: unknown): string | undefined {
  if (issue.code === 'invalid_type' && (issue.expected === 'int' || issue.expected === 'number') && typeof wrong === 'string' && /^\d{1,12}$/.test(wrong)) return `write ${wrong} without quotes`;
  const right = repair(issue, wrong);
  return right === undefined ? undefined : `did you mean ${show(right)}?`;
}

/** A small correction of a wrong text that would make it right. */
function repair(issue: z.core.$ZodIssue, wrong: unknown): string | undefined {
  if (typeof wrong !== 'string' || wrong.length > 300) return undefined;
  if (issue.code === 'invalid_value') return nearestWord(wrong, issue.values.map(String));
  if (issue.code !== 'invalid_format' || !('pattern' in issue) || issue.pattern === undefined) return undefined;
  const pattern = new RegExp(issue.pattern.slice(1, issue.pattern.lastIndexOf('/')));
  const plain = wrong.trim().toLowerCase();
  const candidates = [wrong.trim(), plain, plain.replace(/^v(?=\d)/, ''), plain.replace(/^-+/, ''), plain.replaceAll('_', '-'), plain.replace(/\/\d+$/, ''), `${plain}/24`, `https://${plain}`];
  return candidates.find((candidate) => pattern.test(candidate));
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, part) => (typeof inner === 'object' && inner !== null && Object.hasOwn(inner, part) ? (inner as Record<string | number, unknown>)[part] : undefined), value);
}
