import type { ApiClient } from '../clients/kubernetes/connect-api.ts';
import { hostsWith } from '../cluster/cluster.ts';
import { parallel } from '../lib/parallel.ts';
import { apiAt, apiCertificate } from '../operations/clients.ts';
import type { TokenCheck } from './history/verdict.ts';
import type { Reach } from './stage.ts';

const account = 'token-check';

/** Has every API server issue a token for a service account of this namespace, and asks each whether it accepts each of them. Throws `api-failed`. */
export async function checkTokens({ operation: { cluster, hosts, clock }, secrets }: Reach, namespace: string): Promise<TokenCheck[]> {
  const servers = hostsWith(cluster, 'control-plane');
  const certificate = apiCertificate(secrets, clock.now());
  const clients = await parallel(servers, ({ name, address }) => apiAt(address, 6443, hosts.get(name)!, secrets, clock.now(), certificate));
  try {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await clients[0]!.post(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account } });
    const tokens = await parallel(clients, (api) => issueToken(api, `${accounts}/${account}/token`));
    const questions = servers.flatMap((verifier, at) => servers.map((issuer, from) => ({ verifier: verifier.name, issuer: issuer.name, at, from })));
    return await parallel(questions, async ({ verifier, issuer, at, from }) => ({ issuer, verifier, accepted: await isAccepted(clients[at]!, tokens[from]!) }));
  } finally {
    for (const client of clients) client.close();
  }
}

async function issueToken(api: ApiClient, path: string): Promise<string> {
  const { status } = await api.post<{ readonly status: { readonly token: string } }>(path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} });
  return status.token;
}

/** In a body, never in a path: paths are named in errors and audit logs. */
async function isAccepted(api: ApiClient, token: string): Promise<boolean> {
  const { status } = await api.post<{ readonly status: { readonly authenticated?: boolean } }>('/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } });
  return status.authenticated === true;
}
