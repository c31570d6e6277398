import { KubekeepError } from '../../lib/errors.ts';

/** From good to bad; `unknown` is what could not be looked at, and never counts as good. */
export const verdicts = ['ok', 'unknown', 'warning', 'refused'] as const;
export type Verdict = (typeof verdicts)[number];

/** What is looked at, in the order of the table. */
export const checkNames = ['ssh', 'system', 'space', 'disk', 'clock', 'limits', 'addresses', 'ports', 'others', 'vip', 'vrrp', 'links'] as const;
export type CheckName = (typeof checkNames)[number];

export interface Finding {
  readonly verdict: Exclude<Verdict, 'ok'>;
  /** A sentence without the host's name. */
  readonly reason: string;
  readonly hint?: string;
}

export interface CheckResult {
  readonly host: string;
  readonly check: CheckName;
  /** The worst of the findings; `ok` without any. */
  readonly verdict: Verdict;
  /** What was found, in a few words. */
  readonly found: string;
  readonly findings: readonly Finding[];
}

export interface HostsReport {
  readonly cluster: string;
  /** No check refused. */
  readonly fit: boolean;
  /** By host in the order of the file, then by check. */
  readonly checks: readonly CheckResult[];
  /** VRRP ids that other routers in the hosts' networks use: not to be taken. */
  readonly takenRouterIds: readonly number[];
}

export function checkResult(host: string, check: CheckName, { found, findings = [] }: Judged): CheckResult {
  const worst = Math.max(0, ...findings.map(({ verdict }) => verdicts.indexOf(verdict)));
  return { host, check, verdict: verdicts[worst]!, found, findings };
}

/** What a judge says of one host. */
export interface Judged {
  readonly found: string;
  readonly findings?: readonly Finding[];
}

/** Throws `host-unfit` with every reason at once. */
export function refuseUnfit({ checks }: HostsReport): void {
  const refused = checks.flatMap(({ host, findings }) => findings.filter(({ verdict }) => verdict === 'refused').map((finding) => ({ host, ...finding })));
  if (refused.length === 0) return;
  const reasons = refused.map(({ host, reason }) => `${host}: ${reason}`);
  const [first] = refused;
  throw new KubekeepError('host-unfit', reasons.length === 1 ? reasons[0]! : `the hosts are not fit:\n  ${reasons.join('\n  ')}`, {
    hint: refused.length === 1 && first?.hint ? first.hint : 'kubekeep hosts check shows everything that was found, and what to do.',
  });
}
