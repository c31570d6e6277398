import { connectEtcd, type EtcdClient } from '../clients/etcd/connect-etcd.ts';
import { connectApi, type ApiClient } from '../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../cluster/cluster.ts';
import type { Host } from '../hosts/host.ts';
import { issueLeaf, type IssuedLeaf } from '../pki/issue.ts';
import { adminLeaf, etcdOperatorLeaf } from '../pki/leaves.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';

/** A client of the etcd member of a host, through the host's SSH connection, with a certificate that is kept nowhere; of another etcd with the member's certificate where another port is given. */
export async function etcdOf(spec: HostSpec, host: Host, secrets: ClusterSecrets, now: number, certificate = etcdCertificate(secrets, now), port = 2379): Promise<EtcdClient> {
  const [socketPath, issued] = await Promise.all([host.forward({ port }), certificate]);
  return connectEtcd({ socketPath, serverName: spec.name, tls: { ca: secrets.authorities.etcd.certificate, certificate: issued.certificate, key: issued.privateKey } });
}

/** A client of the API, at `address` as `host` reaches it (the host's own API server, or the VIP), as an administrator. */
export async function apiAt(address: string, port: number, host: Host, secrets: ClusterSecrets, now: number, certificate = apiCertificate(secrets, now)): Promise<ApiClient> {
  const [socketPath, issued] = await Promise.all([host.forward({ address, port }), certificate]);
  return connectApi({ connect: { socketPath }, serverName: 'kubernetes', ca: secrets.authorities.kubernetes.certificate, certificate: issued.certificate, key: issued.privateKey });
}

/** An hour for kubekeep itself; making one takes some 10 ms, so whoever asks many servers shares it. */
export function etcdCertificate(secrets: ClusterSecrets, now: number): Promise<IssuedLeaf> {
  return issueLeaf(etcdOperatorLeaf(), secrets.authorities.etcd, { now, days: 1 / 24 });
}

export function apiCertificate(secrets: ClusterSecrets, now: number): Promise<IssuedLeaf> {
  return issueLeaf(adminLeaf('kubekeep', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 / 24 });
}
