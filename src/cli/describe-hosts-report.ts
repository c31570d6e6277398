import { checkNames, verdicts, type Finding, type HostsReport, type Verdict } from '../operations/check-hosts/report.ts';

const marks: Readonly<Record<Verdict, string>> = { ok: ' ', unknown: '?', warning: '!', refused: '✗' };

/** A table of checks by hosts, then every reason, the same one of several hosts once. */
export function describeHostsReport({ checks, fit, cluster }: HostsReport): string {
  const hosts = [...new Set(checks.map(({ host }) => host))];
  const names = checkNames.filter((name) => checks.some(({ check }) => check === name));
  const cell = (check: string, host: string) => {
    const one = checks.find((result) => result.check === check && result.host === host);
    return one ? `${marks[one.verdict]} ${one.found}` : '';
  };
  const rows = [['', ...hosts.map((host) => `  ${host}`)], ...names.map((name) => [name, ...hosts.map((host) => cell(name, host))])];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) => row.map((text, column) => text.padEnd(widths[column]!)).join('  ').trimEnd());
  const reasons = reasonsOf(checks).map(({ verdict, hosts: where, reason, hint }) => `${marks[verdict]} ${where.join(', ')}: ${reason}${hint ? `\n    → ${hint}` : ''}`);
  const count = hosts.length === 1 ? 'the host is' : `the ${hosts.length} hosts are`;
  const unknown = checks.filter(({ verdict }) => verdict === 'unknown').length;
  const verdict = `${fit ? 'fit' : 'not fit'}${unknown > 0 ? `, as far as could be seen: ${unknown} checks without an answer` : ''}`;
  return [...table, '', ...reasons, ...(reasons.length > 0 ? [''] : []), `${cluster}: ${count} ${verdict}.`].join('\n');
}

/** The worst first. */
function reasonsOf(checks: HostsReport['checks']): (Finding & { readonly hosts: readonly string[] })[] {
  const all = checks.flatMap(({ host, findings }) => findings.map((finding) => ({ host, ...finding })));
  const groups = Map.groupBy(all, ({ verdict, reason, hint }) => `${verdicts.length - verdicts.indexOf(verdict)} ${reason} ${hint}`);
  return [...groups.values()]
    .map((same) => ({ ...same[0]!, hosts: same.map(({ host }) => host) }))
    .toSorted((a, b) => verdicts.indexOf(b.verdict) - verdicts.indexOf(a.verdict));
}
