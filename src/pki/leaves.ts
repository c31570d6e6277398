import { addressInNetwork, followsLog, isNode } from '../cluster/cluster.ts';
import type { Cluster, HostSpec } from '../cluster/cluster.ts';
import { steers } from '../cluster/steered.ts';
import type { AuthorityName } from './authorities.ts';

/** Who asks the API which nodes are cordoned and which node ports Services have; it may do nothing else. */
export const steeringUser = 'kubekeep-steer';

/** What a certificate has to say. */
export interface CertificateSpec {
  readonly name: string;
  readonly authority: AuthorityName;
  readonly commonName: string;
  /** Kubernetes reads them as groups. */
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly usages: readonly Usage[];
}

export type Usage = 'server' | 'client';

/** A certificate that lies on a host, with its key beside it. */
export interface LeafSpec extends CertificateSpec {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** The certificates that a host needs for its roles, in kubeadm's layout. */
export function leavesFor(cluster: Cluster, host: HostSpec): readonly LeafSpec[] {
  return [
    ...(host.roles.includes('etcd') ? etcdLeaves(host) : []),
    ...(followsLog(cluster, host) ? [at('etcd/keeper-client', client('etcd-keeper-client', 'etcd', 'kubekeep-keeper'))] : []),
    ...(host.roles.includes('control-plane') ? controlPlaneLeaves(cluster, host) : []),
    ...(steers(cluster, host) ? [at('steer', client('steer', 'kubernetes', steeringUser))] : []),
    // Kubernetes binds this user to the role of kube-proxy by itself.
    ...(isNode(host) ? [at('kube-proxy', client('kube-proxy', 'kubernetes', 'system:kube-proxy'))] : []),
  ];
}

/**
 * A user's certificate for the API, never kept on a host. `kubeadm:cluster-admins` has its rights from a ClusterRoleBinding and can be taken
 * away; `system:masters` cannot and is for making that binding and for emergencies.
 */
export function adminLeaf(user: string, group: 'kubeadm:cluster-admins' | 'system:masters' = 'kubeadm:cluster-admins'): CertificateSpec {
  return client('admin', 'kubernetes', user, [group]);
}

/** kubekeep's own certificate for talking to etcd, never kept on a host. */
export function etcdOperatorLeaf(): CertificateSpec {
  return client('etcd-operator', 'etcd', 'kubekeep');
}

function etcdLeaves(host: HostSpec): LeafSpec[] {
  const names = { dnsNames: unique([host.name, 'localhost']), addresses: unique([host.address, '127.0.0.1']) };
  const shared = { commonName: host.name, organizations: [], ...names };
  return [
    // Server only: with the gRPC gateway off, etcd never dials itself with it.
    at('etcd/server', { ...shared, name: 'etcd-server', authority: 'etcd', usages: ['server'] }),
    // Peers dial each other with it.
    at('etcd/peer', { ...shared, name: 'etcd-peer', authority: 'etcd-peer', usages: ['server', 'client'] }),
    at('etcd/healthcheck-client', client('etcd-healthcheck-client', 'etcd', 'kube-etcd-healthcheck-client')),
  ];
}

function controlPlaneLeaves(cluster: Cluster, host: HostSpec): LeafSpec[] {
  return [
    at('apiserver', { name: 'apiserver', authority: 'kubernetes', commonName: 'kube-apiserver', organizations: [], usages: ['server'], ...apiServerNames(cluster, host) }),
    at('apiserver-kubelet-client', client('apiserver-kubelet-client', 'kubernetes', 'kube-apiserver-kubelet-client')),
    at('apiserver-etcd-client', client('apiserver-etcd-client', 'etcd', 'kube-apiserver-etcd-client')),
    at('front-proxy-client', client('front-proxy-client', 'front-proxy', 'front-proxy-client')),
    ...['controller-manager', 'scheduler'].flatMap((name) => [
      at(name, client(name, 'kubernetes', `system:kube-${name}`)),
      at(`${name}-server`, {
        name: `${name}-server`,
        authority: 'kubernetes',
        commonName: `kube-${name}`,
        organizations: [],
        dnsNames: ['localhost'],
        addresses: ['127.0.0.1'],
        usages: ['server'],
      }),
    ]),
  ];
}

/** Every name under which somebody may reach this host's API server: by the host, by the endpoint, from inside a pod. */
function apiServerNames(cluster: Cluster, host: HostSpec): Pick<CertificateSpec, 'dnsNames' | 'addresses'> {
  const { endpoint, networks, kubernetes } = cluster;
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${networks.dnsDomain}`];
  const own = [host.address, endpoint.vip, ...endpoint.previousVips, '127.0.0.1', addressInNetwork(networks.services, 1)];
  const extra = kubernetes.extraSans;
  return {
    dnsNames: unique([host.name, ...endpoint.names, 'localhost', ...service, ...extra.filter((name) => !isAddress(name))]),
    addresses: unique([...own, ...extra.filter(isAddress)]),
  };
}

/** The cluster file lets only real names and addresses through; a name never ends in a number. */
function isAddress(name: string): boolean {
  return /^\d+(\.\d+){3}$/.test(name) || name.includes(':');
}

function client(name: string, authority: AuthorityName, commonName: string, organizations: readonly string[] = []): CertificateSpec {
  return { name, authority, commonName, organizations, dnsNames: [], addresses: [], usages: ['client'] };
}

function at(path: string, spec: CertificateSpec): LeafSpec {
  return { ...spec, certificatePath: `/etc/kubernetes/pki/${path}.crt`, keyPath: `/etc/kubernetes/pki/${path}.key` };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
