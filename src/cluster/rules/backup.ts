import type { Finding } from '../_finding.ts';
import type { Draft } from './rule.ts';

/** Options of S3 need a bucket. */
export const backupHasAPlace = ({ spec: { backup } }: { readonly spec: Pick<Draft['spec'], 'backup'> }): readonly Finding[] => {
  const given = Object.values(backup?.s3 ?? {}).some((value) => value !== undefined);
  if (!given || backup?.repository === undefined || backup.repository.startsWith('s3://')) return [];
  return [{ path: ['spec', 'backup', 's3'], at: 'name', message: 'spec.backup.s3 is not used with a folder as spec.backup.repository', suggestion: 'set repository: s3://BUCKET/PREFIX, or take it out' }];
};
