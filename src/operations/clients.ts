import { connectEtcd, type EtcdClient } from '../clients/etcd/connect-etcd.ts';
import { connectApi, type ApiClient } from '../clients/kubernetes/connect-api.ts';
import type { HostSpec } from '../cluster/cluster.ts';
import type { Host } from '../hosts/host.ts';
import { issueLeaf } from '../pki/issue.ts';
import { adminLeaf, etcdOperatorLeaf } from '../pki/leaves.ts';
import type { ClusterSecrets } from '../pki/secrets.ts';

/** A client of the etcd member of a host, through the host's SSH connection, with a certificate that lives an hour and is kept nowhere. */
export async function etcdOf(spec: HostSpec, host: Host, secrets: ClusterSecrets, now: number): Promise<EtcdClient> {
  const [socketPath, issued] = await Promise.all([host.forward({ port: 2379 }), issueLeaf(etcdOperatorLeaf(), secrets.authorities.etcd, { now, days: 1 / 24 })]);
  return connectEtcd({ socketPath, serverName: spec.name, ca: secrets.authorities.etcd.certificate, certificate: issued.certificate, key: issued.privateKey });
}

/** A client of the API, at `address` as `host` reaches it (the host's own API server, or the VIP), as an administrator for an hour. */
export async function apiAt(address: string, port: number, host: Host, secrets: ClusterSecrets, now: number): Promise<ApiClient> {
  const [socketPath, issued] = await Promise.all([
    host.forward({ address, port }),
    issueLeaf(adminLeaf('kubekeep', 'system:masters'), secrets.authorities.kubernetes, { now, days: 1 / 24 }),
  ]);
  return connectApi({ connect: { socketPath }, serverName: 'kubernetes', ca: secrets.authorities.kubernetes.certificate, certificate: issued.certificate, key: issued.privateKey });
}
