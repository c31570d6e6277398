import { KubekeepError } from '../lib/errors.ts';
import { platformOf, type Platform } from '../programs/program.ts';

/** The platform of this computer. Throws `program-unavailable` where there are no programs for it. */
export function thisPlatform(): Platform {
  const platform = platformOf(process.arch);
  if (platform) return platform;
  throw new KubekeepError('program-unavailable', `there are no programs for this computer's architecture (${process.arch})`, { hint: 'Name the platform of the hosts with --platform.' });
}
