import type { Row, Shown } from './mutant-runs.ts';
import type { Needed } from './needed-checkers.ts';

export function rowOf({ mutant, shown, healthy }: Row): string {
  const fault = mutant.kind === 'set-up' ? mutant.fault : mutant.kind === 'prober' ? 'a target that pauses' : 'a pause and a second operator';
  const others = shown.by.filter((id) => id !== mutant.caughtBy);
  return `| ${[mutant.id, mutant.title, fault, mutant.caughtBy, `${shown.found}${others.length > 0 ? ` (also ${others.join(', ')})` : ''}`, shown.outcome === 'survived' ? 'SURVIVED' : shown.outcome, healthy ? `${healthy.outcome === 'broken' ? 'BROKEN: ' : ''}${healthy.found}` : ''].map((cell) => cell.replaceAll('|', '/').replaceAll('\n', ' ')).join(' | ')} |`;
}

/** The evidence as a Markdown page. */
export function mutantsPage(rows: readonly Row[], needed: readonly Needed[], { only, load }: { readonly only: string | undefined; readonly load: number }): string {
  const count = (outcome: Shown['outcome']) => rows.filter(({ shown }) => shown.outcome === outcome).length;
  return [
    '# Would the checkers of a drill notice? Set-ups broken on purpose',
    '',
    `Made by \`npm run test:mutants${only === undefined ? '' : ` -- --only ${only}`}\` on ${new Date().toISOString().slice(0, 10)}: a lab T3 on shared processors (load ${load.toFixed(0)} when it began). ${rows.length} mutants: ${count('caught')} caught, ${count('survived')} survived, ${count('not shown')} not shown.`,
    'Each set-up is another table of renderers that `apply` was given; then its fault was run like any drill. The last column is the same fault with kubekeep\'s own set-up.',
    '',
    '| mutant | what is broken | fault | has to be caught by | found | verdict | healthy |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(rowOf),
    '',
    '## Every checker is needed',
    '',
    'The kept histories, and those with a planted breach, judged again with each checker left out: what nobody would have caught.',
    '',
    '| without | survive |',
    '| --- | --- |',
    ...needed.map(({ checker, histories }) => `| ${checker} | ${histories.join('; ') || 'NOTHING'} |`),
    '',
  ].join('\n');
}
