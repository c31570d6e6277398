import { stringify } from 'yaml';
import type { ChangedField } from '../objects/changed-fields.ts';
import type { Json } from '../objects/json.ts';
import type { ObjectDifference } from '../operations/objects/object-differences.ts';
import { calledBy } from '../operations/objects/restore/selection.ts';

/** So many changes are told of one revision, on one line. */
const told = 3;

/** For a table: "spec.replicas 3 → 5; metadata.labels.tier added; and 2 more". */
export function changesLine(changes: readonly ChangedField[]): string {
  const lines = changes.slice(0, told).map(({ path, before, after }) => {
    if (before === undefined) return `${path} added${isShort(after) ? `: ${oneLine(after)}` : ''}`;
    if (after === undefined) return `${path} removed`;
    return isShort(before) && isShort(after) ? `${path} ${oneLine(before)} → ${oneLine(after)}` : `${path} changed`;
  });
  return [...lines, ...(changes.length > told ? [`and ${changes.length - told} more`] : [])].join('; ');
}

const signs = { appeared: '+', went: '-', changed: '~' } as const;
const colours = { '+': 32, '-': 31, '~': 33 } as const;

/** Objects that appeared, went or changed, and of the last what was in them before and is now. */
export function describeDifferences(differences: readonly ObjectDifference[], { colour }: { readonly colour: boolean }): string {
  const paint = (sign: keyof typeof colours, text: string) => (colour ? `\x1b[${colours[sign]}m${text}\x1b[0m` : text);
  return differences
    .map(({ kind, name, before, after, changes, why }) => {
      const when = kind === 'changed' ? `revision ${before} → ${after}` : kind === 'went' ? `was revision ${before}` : `revision ${after}`;
      const head = paint(signs[kind], `${signs[kind]} ${calledBy(name)}`);
      return [`${head}  ${when}${why === undefined ? '' : `: ${why}`}`, ...changes.flatMap((change) => block(change, paint))].join('\n');
    })
    .join('\n');
}

type Paint = (sign: '+' | '-', text: string) => string;

function block({ path, before, after }: ChangedField, paint: Paint): readonly string[] {
  if (isShort(before) && isShort(after)) return [`  ~ ${path}: ${paint('-', oneLine(before))} → ${paint('+', oneLine(after))}`];
  if (before === undefined && isShort(after)) return [paint('+', `  + ${path}: ${oneLine(after)}`)];
  if (after === undefined && isShort(before)) return [paint('-', `  - ${path}: ${oneLine(before)}`)];
  const [old, now] = [linesOf(before), linesOf(after)];
  // Of long texts only what is not the same at both ends.
  let [start, end] = [0, 0];
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const part = (lines: readonly string[], sign: '+' | '-') => lines.slice(start, lines.length - end).map((line) => paint(sign, `  ${sign}     ${line}`));
  const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
  const head = `  ${sign} ${path}:${sign === '~' && start + end > 0 ? ` (${start + end} ${start + end === 1 ? 'line is' : 'lines are'} the same)` : ''}`;
  return [sign === '~' ? head : paint(sign, head), ...part(old, '-'), ...part(now, '+')];
}

function isShort(value: Json | undefined): boolean {
  return value !== undefined && (value === null || typeof value !== 'object') && !(typeof value === 'string' && (value.includes('\n') || value.length > 60));
}

function oneLine(value: Json | undefined): string {
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}

function linesOf(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  return (typeof value === 'string' ? value : stringify(value, { version: '1.1', indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false })).trimEnd().split('\n');
}
