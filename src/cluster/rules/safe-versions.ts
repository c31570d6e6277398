import type { Finding } from '../_finding.ts';
import { refuseCombination, refuseVersion } from '../versions.ts';
import type { Rule } from './rule.ts';

/** Versions without known harm that go together. */
export const versionsAreSafe: Rule = ({ spec: { kubernetes, etcd } }) => {
  const refused = (['kubernetes', 'etcd'] as const).flatMap((program): readonly Finding[] => {
    const version = program === 'kubernetes' ? kubernetes.version : etcd.version;
    const refusal = version === undefined ? undefined : refuseVersion(program, version);
    if (refusal === undefined) return [];
    return [{ path: ['spec', program, 'version'], message: `${program === 'etcd' ? 'etcd' : 'Kubernetes'} ${version} ${refusal.reason}`, suggestion: `use ${refusal.fixedIn}` }];
  });
  if (refused.length > 0 || kubernetes.version === undefined || etcd.version === undefined) return refused;
  const pair = refuseCombination(kubernetes.version, etcd.version);
  return pair === undefined ? [] : [{ path: ['spec', 'etcd', 'version'], message: `etcd ${etcd.version} ${pair.reason}`, suggestion: `use ${pair.fixedIn}` }];
};
