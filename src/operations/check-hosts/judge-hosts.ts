import { judgeAddresses, judgePorts } from './_judge-network.ts';
import { judgeClock, judgeDisk, judgeLimits, judgeSpace } from './_judge-resources.ts';
import { judgeOthers, judgeSystem } from './_judge-system.ts';
import { judgeLinks, judgeRouters, judgeVip } from './_judge-vip.ts';
import { checkResult, type CheckName, type CheckResult, type HostsReport, type Judged } from './report.ts';
import { probesOf, type SeenHosts, type Subject } from './seen-hosts.ts';

/** Undefined where the host does not need the check. */
type Judge = (subject: Subject) => Judged | undefined;

const judges: readonly (readonly [CheckName, Judge])[] = [
  ['system', judgeSystem],
  ['space', judgeSpace],
  ['disk', judgeDisk],
  ['clock', judgeClock],
  ['limits', judgeLimits],
  ['addresses', judgeAddresses],
  ['ports', judgePorts],
  ['others', judgeOthers],
  ['vip', judgeVip],
  ['vrrp', judgeRouters],
  ['links', judgeLinks],
];

/** Is every host fit for what the cluster file wants of it? Says everything at once. */
export function judgeHosts(all: SeenHosts): HostsReport {
  const checks = all.cluster.hosts.flatMap((spec): CheckResult[] => {
    const seen = all.hosts.get(spec.name);
    if (!seen || 'verdict' in seen) return [checkResult(spec.name, 'ssh', { found: 'no', findings: seen ? [seen] : [] })];
    const subject = { spec, seen, all };
    return [checkResult(spec.name, 'ssh', { found: seen.login }), ...judges.flatMap(([check, judge]) => {
      const judged = judge(subject);
      return judged ? [checkResult(spec.name, check, judged)] : [];
    })];
  });
  return { cluster: all.cluster.name, fit: checks.every(({ verdict }) => verdict !== 'refused'), checks, takenRouterIds: takenRouterIds(all) };
}

function takenRouterIds(all: SeenHosts): number[] {
  const own = new Set(all.cluster.hosts.map(({ address }) => address));
  const heard = [...probesOf(all).values()].flatMap(({ vrrp }) => (Array.isArray(vrrp) ? vrrp : []) as readonly { id: number; from: string }[]);
  return [...new Set(heard.filter(({ from }) => !own.has(from)).map(({ id }) => id))].sort((a, b) => a - b);
}
