import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RepositoryPlace } from '../wire.ts';

export interface PlaceFlags {
  readonly repository?: string;
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  readonly s3Ca?: string;
}

/** For who has no cluster file that says where the backups are. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--repository <place>', 'where the backups are: a folder or s3://BUCKET/PREFIX (default: what the cluster file says)')
    .option('--s3-endpoint <address>', "with --repository, address of an S3 server of one's own")
    .option('--s3-region <region>', 'with --repository, region of the bucket')
    .option('--s3-ca <path>', 'with --repository, certificates (PEM) of the authorities of that server');
}

/** Undefined where no place was named. */
export function placeOf({ repository, s3Endpoint, s3Region, s3Ca }: PlaceFlags): RepositoryPlace | undefined {
  if (repository === undefined) return undefined;
  return { repository: repository.startsWith('s3://') ? repository : resolve(repository), s3: { endpoint: s3Endpoint, region: s3Region, ca: s3Ca && resolve(s3Ca) } };
}
