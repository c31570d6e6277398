import { cisChecks } from './checks.ts';

/** The table of `docs/reference/cis.md`. */
export function describeCis(): string {
  const rows = cisChecks.map(({ id, automated, check, evidence, note, status }) => {
    const seen = evidence.map(({ shows }) => shows).join('; ');
    const how = [seen === '' ? '' : `${seen}.`, note].filter((part) => part !== '').join(' ');
    return `| ${id} | ${automated ? 'automated' : 'manual'} | ${check} | ${how} | ${status} |`;
  });
  return ['| id | benchmark | check | kubekeep | status |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}
