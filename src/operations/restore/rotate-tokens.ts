import type { ApiClient } from '../../clients/kubernetes/connect-api.ts';

interface SecretList {
  readonly items: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
}

/** How many tokens were rotated, by kind. */
export interface RotatedTokens {
  readonly bootstrap: number;
  readonly serviceAccount: number;
}

/**
 * Makes tokens of then worthless that stand in Secrets: those for joining are deleted, those of service accounts emptied, and the controllers put new ones there. Tokens that pods asked for end by themselves.
 */
export async function rotateTokens(api: ApiClient): Promise<RotatedTokens> {
  const bootstrap = await secretsOf(api, 'bootstrap.kubernetes.io/token');
  for (const path of bootstrap) await api.delete(path);
  const accounts = await secretsOf(api, 'kubernetes.io/service-account-token');
  for (const path of accounts) await api.patch(path, { data: { token: null } });
  return { bootstrap: bootstrap.length, serviceAccount: accounts.length };
}

async function secretsOf(api: ApiClient, type: string): Promise<string[]> {
  const { items } = await api.get<SecretList>(`/api/v1/secrets?fieldSelector=${encodeURIComponent(`type=${type}`)}`, { deadline: 60_000 });
  return items.map(({ metadata: { namespace, name } }) => `/api/v1/namespaces/${namespace}/secrets/${name}`);
}
