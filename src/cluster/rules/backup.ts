import type { Finding } from '../_finding.ts';
import type { Draft, ExternalRule, Rule } from './rule.ts';

/** Options of S3 need a bucket. */
export const backupHasAPlace = ({ spec: { backup } }: { readonly spec: Pick<Draft['spec'], 'backup'> }): readonly Finding[] => {
  const given = Object.values(backup?.s3 ?? {}).some((value) => value !== undefined);
  if (!given || backup?.repository === undefined || backup.repository.startsWith('s3://')) return [];
  return [{ path: ['spec', 'backup', 's3'], at: 'name', message: 'spec.backup.s3 is not used with a folder as spec.backup.repository', suggestion: 'set repository: s3://BUCKET/PREFIX, or take it out' }];
};

/** Hosts can follow into a place alone that they reach as this computer does. */
export const hostsReachBackup: Rule = ({ spec: { backup } }) => {
  if (backup?.follow !== 'hosts') {
    const given = backup?.s3?.hostCredentials !== undefined;
    return given ? [{ path: ['spec', 'backup', 's3', 'hostCredentials'], at: 'name', message: 'spec.backup.s3.hostCredentials is not used without spec.backup.follow: hosts', suggestion: 'set follow: hosts, or take it out' }] : [];
  }
  const { repository, s3 } = backup;
  if (repository === undefined) return [];
  if (!repository.startsWith('s3://')) return [{ path: ['spec', 'backup', 'follow'], message: 'hosts cannot follow into a folder of this computer', suggestion: 'set repository: s3://BUCKET/PREFIX, or take follow out and run kubekeep backup follow as a service here' }];
  const { endpoint, region } = s3 ?? { endpoint: undefined, region: undefined };
  if (endpoint !== undefined && /^https?:\/\/(127\.|localhost(:|\/|$))/.test(endpoint)) return [{ path: ['spec', 'backup', 's3', 'endpoint'], message: `${endpoint} is each host itself, so none can follow into it`, suggestion: 'use an address of the server that hosts reach' }];
  if (endpoint === undefined && region === undefined) return [{ path: ['spec', 'backup', 'follow'], message: 'hosts do not know the region of the bucket', suggestion: 'set spec.backup.s3.region' }];
  return [];
};

/** What kubekeep did not build it does not change. */
export const externalHostsAreLeft: ExternalRule = ({ spec: { backup } }) =>
  backup?.follow === undefined ? [] : [{ path: ['spec', 'backup', 'follow'], message: 'kubekeep puts nothing on the hosts of a cluster that it did not build', suggestion: 'take it out, and run kubekeep backup follow as a service' }];
