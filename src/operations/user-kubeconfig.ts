import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { Secret } from '../lib/secret.ts';
import { issueLeaf } from '../pki/issue.ts';
import { adminLeaf, leavesFor } from '../pki/leaves.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';
import { kubeconfig } from '../render/kubeconfig.ts';

export interface UserKubeconfigOptions {
  readonly user: string;
  /** Life of the certificate; may be a fraction. */
  readonly days: number;
  /** Address or name, with or without a port, instead of the endpoint of the cluster file. */
  readonly server?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface UserKubeconfig {
  readonly server: string;
  readonly user: string;
  /** RFC 3339, UTC. */
  readonly expires: string;
  /** The file: it contains a private key. */
  readonly content: Secret;
}

/** A kubeconfig for an administrator (group `kubeadm:cluster-admins`) with a client certificate that is made now and kept nowhere. */
export async function userKubeconfig(cluster: Cluster, { authorities }: ClusterSecrets, { user, days, server, now }: UserKubeconfigOptions): Promise<UserKubeconfig> {
  const { certificate, privateKey } = await issueLeaf(adminLeaf(user), authorities.kubernetes, { now, days });
  const { host, port } = serverOf(cluster, server);
  const content = kubeconfig({
    cluster: cluster.name,
    server: `https://${host}:${port}`,
    tlsServerName: isInCertificates(cluster, host) ? undefined : 'kubernetes',
    authority: { pem: authorities.kubernetes.certificate },
    user,
    credentials: { certificate, key: privateKey.reveal() },
  });
  const expires = new Date(now + days * 86_400_000).toISOString();
  const title = `# Administrator ${user} of cluster ${cluster.name} until ${expires}. The private key in it opens the cluster.\n`;
  return { server: `https://${host}:${port}`, user, expires, content: new Secret(content.replace(/^#.*\n/, title)) };
}

function serverOf({ endpoint }: Cluster, server: string | undefined): { readonly host: string; readonly port: number } {
  if (server === undefined) return { host: endpoint.names[0] ?? endpoint.vip, port: endpoint.port };
  const [, host = server, port] = /^(?:https:\/\/)?([^/:]+)(?::(\d+))?\/?$/.exec(server) ?? [];
  return { host, port: port === undefined ? endpoint.port : Number(port) };
}

/** A server that is reached under another name is checked for one that every certificate has. */
function isInCertificates(cluster: Cluster, host: string): boolean {
  return hostsWith(cluster, 'control-plane').some((one) =>
    leavesFor(cluster, one).some(({ name, dnsNames, addresses }) => name === 'apiserver' && (dnsNames.includes(host) || addresses.includes(host))),
  );
}
