import type { Finding, VersionStatus } from './cluster-status.ts';
import type { Judged } from './judged.ts';
import type { Observation } from './observation.ts';

/** What runs in another version than the cluster file names. */
export function judgeVersions({ cluster, etcd, api }: Observation): Judged<VersionStatus> {
  const running = [
    ...[...api].map(([host, answer]) => ({ host, component: 'kube-apiserver' as const, version: answer.ok ? answer.value.version : undefined, wanted: cluster.kubernetes.version })),
    ...[...etcd].map(([host, answer]) => ({ host, component: 'etcd' as const, version: answer.ok ? answer.value.status.version : undefined, wanted: cluster.etcd.version })),
  ];
  const others = running.flatMap(({ host, component, version, wanted }) => (version !== undefined && version !== wanted ? [{ host, component, version, wanted }] : []));
  const findings = others.map(({ host, component, version, wanted }): Finding => ({
    message: `${component} on ${host} runs version ${version} and the cluster file names ${wanted}`,
    next: 'kubekeep plan says whether apply can change it.',
  }));
  return { status: { kubernetes: cluster.kubernetes.version, etcd: cluster.etcd.version, others: others.map(({ wanted: _, ...one }) => one) }, findings };
}
