import { refuseVersion } from '../versions.ts';
import type { ExternalRule } from './rule.ts';

/** No endpoint stands in the list twice. */
export const endpointsAreDistinct: ExternalRule = ({ spec: { external } }) => {
  const plain = (external.etcd.endpoints ?? []).map((one) => one?.replace(/\/$/, '').toLowerCase());
  return plain.flatMap((one, position) =>
    one !== undefined && plain.indexOf(one) < position ? [{ path: ['spec', 'external', 'etcd', 'endpoints', position], message: `${one} is in the list twice`, suggestion: 'keep one of them' }] : [],
  );
};

/** What replays and reads must run here; what the cluster itself runs is not kubekeep's business. */
export const externalVersionsAreSafe: ExternalRule = ({ spec }) =>
  (['kubernetes', 'etcd'] as const).flatMap((program) => {
    const { version } = spec[program];
    const refusal = version === undefined ? undefined : refuseVersion(program, version);
    return refusal === undefined ? [] : [{ path: ['spec', program, 'version'], message: `${program === 'etcd' ? 'etcd' : 'Kubernetes'} ${version} ${refusal.reason}`, suggestion: `use ${refusal.fixedIn}` }];
  });
