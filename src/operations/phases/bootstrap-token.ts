import { randomBytes, randomInt } from 'node:crypto';
import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';
import { Secret } from '../../lib/secret.ts';
import { bootstrapGroup } from '../../render/kubeadm.ts';
import { forget } from './forget.ts';

const secretsPath = '/api/v1/namespaces/kube-system/secrets';

/** A token in the form of kubeadm, `[a-z0-9]{6}.[a-z0-9]{16}`, that the cluster does not know yet. */
export function newToken(): Secret {
  const letters = (count: number) => Array.from({ length: count }, () => randomInt(36).toString(36)).join('');
  return new Secret(`${randomBytes(3).toString('hex')}.${letters(16)}`);
}

/** Makes a token known to the cluster for so many minutes, or until it is revoked. `now`: ms since the epoch. */
export async function grantToken(api: ApiClient, token: Secret, { description, minutes, now }: { readonly description: string; readonly minutes: number; readonly now: number }): Promise<void> {
  const [id, secret] = token.reveal().split('.');
  await api.post(secretsPath, {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'bootstrap.kubernetes.io/token',
    metadata: { name: nameOf(token), namespace: 'kube-system' },
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'expiration': new Date(now + minutes * 60_000).toISOString(),
      'description': description,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': bootstrapGroup,
    },
  });
}

/** From now on the token opens nothing. */
export async function revokeToken(api: ApiClient, token: Secret): Promise<void> {
  await forget(api, `${secretsPath}/${nameOf(token)}`);
}

function nameOf(token: Secret): string {
  return `bootstrap-token-${token.reveal().split('.')[0]}`;
}
