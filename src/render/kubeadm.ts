import { hostsWith, publicEndpoint, type Cluster, type HostSpec } from '../cluster/cluster.ts';
import { Secret } from '../lib/secret.ts';
import { toYaml } from './_yaml.ts';
import type { ContainerFacts } from './design.ts';
import { kubeconfig } from './kubeconfig.ts';
import { kubeletConfiguration } from './kubelet.ts';
import { containerdSocket, pkiFolder } from './paths.ts';

/** A folder in memory, for what only lives as long as a join. */
export const joinFolder = '/run/kubekeep-join';

/** As a machine of today is: what those get that kubekeep does not manage. */
const usual: ContainerFacts = { cgroups: 2, nested: false, resolvConf: '/etc/resolv.conf' };

/**
 * What `kubeadm init phase upload-config` and `bootstrap-token` are told of a cluster that they did not make: what every machine that joins reads. With a
 * version, since kubeadm would ask the internet for one.
 */
export function clusterConfiguration(cluster: Cluster): readonly object[] {
  const { kubernetes, networks } = cluster;
  return [
    {
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      kind: 'ClusterConfiguration',
      clusterName: cluster.name,
      kubernetesVersion: `v${kubernetes.version}`,
      imageRepository: kubernetes.imageRepository,
      controlPlaneEndpoint: publicEndpoint(cluster),
      certificatesDir: pkiFolder,
      etcd: {
        external: {
          endpoints: hostsWith(cluster, 'etcd').map(({ address }) => `https://${address}:2379`),
          caFile: `${pkiFolder}/etcd/ca.crt`,
          certFile: `${pkiFolder}/apiserver-etcd-client.crt`,
          keyFile: `${pkiFolder}/apiserver-etcd-client.key`,
        },
      },
      networking: { dnsDomain: networks.dnsDomain, serviceSubnet: networks.services, podSubnet: networks.pods },
    },
    kubeletConfiguration(cluster, usual),
  ];
}

/** The same as a file for one run on a control-plane host. Where it makes a token, which kubeadm does in any case, it is this one, for a minute. */
export function initFile(cluster: Cluster, host: HostSpec, token?: Secret): Secret {
  const init = {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'InitConfiguration',
    ...(token && { bootstrapTokens: [{ token: token.reveal(), ttl: '1m0s', usages: ['signing', 'authentication'], groups: [bootstrapGroup] }] }),
    localAPIEndpoint: { advertiseAddress: host.address, bindPort: 6443 },
    nodeRegistration: { name: host.name, criSocket: containerdSocket },
  };
  return new Secret([init, ...clusterConfiguration(cluster)].map(toYaml).join('---\n'));
}

/** Who joins has the rights of this group until it has a certificate. */
export const bootstrapGroup = 'system:bootstrappers:kubeadm:default-node-token';

/** What `kubeadm join` is told, beside the file by which it finds the cluster: on a worker, or on a machine that kubekeep does not manage. */
export function joinFile(token: Secret, worker?: { readonly host: HostSpec; readonly containers: ContainerFacts }): Secret {
  return new Secret(toYaml({
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'JoinConfiguration',
    discovery: { file: { kubeConfigPath: `${joinFolder}/discovery.conf` }, tlsBootstrapToken: token.reveal() },
    nodeRegistration: {
      criSocket: containerdSocket,
      // The CA is there already; kubeadm and the kubelet are told apart about version 1 of cgroups.
      ...(worker && { name: worker.host.name, ignorePreflightErrors: ['FileAvailable--etc-kubernetes-pki-ca.crt', ...(worker.containers.cgroups === 1 ? ['SystemVerification'] : [])] }),
    },
    timeouts: { discovery: '2m0s', tlsBootstrap: '2m0s', kubeletHealthCheck: '2m0s' },
  }));
}

/** By which a machine finds the cluster and knows that it is the right one. The API tells nothing to who has no token. */
export function discoveryFile(cluster: Cluster, authority: string, token: Secret): Secret {
  return new Secret(kubeconfig({ cluster: cluster.name, server: `https://${publicEndpoint(cluster)}`, authority: { pem: authority }, user: 'joining', credentials: { token: token.reveal() } }));
}
