/** A program whose flags the cluster file can extend, by its field under `spec.kubernetes`. */
export type Component = 'apiServer' | 'controllerManager' | 'scheduler';

/** Why a flag cannot be given in `extraFlags`, or undefined where it can. Flags that only tune a program are the user's. */
export function refuseFlag(component: Component, flag: string): string | undefined {
  const owned = ownedFlags.find((entry) => (entry.of === undefined || entry.of === component) && entry.flags.some((name) => (name.endsWith('*') ? flag.startsWith(name.slice(0, -1)) : flag === name)));
  return owned?.because;
}

/** Why a feature gate makes a program stop at once, or undefined. */
export function refuseFeatureGate(gate: string): string | undefined {
  return droppedGates.includes(gate) ? `feature gate ${gate} is always on and no longer exists; the program would not start` : undefined;
}

const removed = 'no longer exists in this Kubernetes version; the program would not start';

/** The first entry that fits is named. A star stands for any ending. */
const ownedFlags: readonly { readonly of?: Component; readonly flags: readonly string[]; readonly because: string }[] = [
  { of: 'apiServer', flags: ['etcd-servers', 'etcd-servers-overrides', 'etcd-cafile', 'etcd-certfile', 'etcd-keyfile', 'etcd-prefix'], because: 'is set by kubekeep: it decides which etcd members an API server uses' },
  { of: 'apiServer', flags: ['storage-backend', 'storage-media-type'], because: 'is set by kubekeep: all API servers must store alike' },
  { of: 'apiServer', flags: ['advertise-address', 'peer-advertise-ip', 'peer-advertise-port'], because: 'is set by kubekeep from the address of the host' },
  { of: 'apiServer', flags: ['anonymous-auth'], because: 'stops the API server beside the authentication file that kubekeep writes; anonymous access is limited to the health paths already' },
  { of: 'apiServer', flags: ['authentication-config', 'oidc-*'], because: 'does not go with the authentication file that kubekeep writes' },
  { of: 'apiServer', flags: ['token-auth-file'], because: 'is left out on purpose: static tokens cannot be revoked' },
  { of: 'apiServer', flags: ['authorization-mode', 'authorization-config', 'authorization-policy-file', 'authorization-webhook-*'], because: 'does not go with the authorization file that kubekeep writes (Node, RBAC)' },
  { of: 'apiServer', flags: ['encryption-provider-config', 'encryption-provider-config-automatic-reload'], because: 'is set by kubekeep, which keeps the encryption keys' },
  { of: 'apiServer', flags: ['service-cluster-ip-range'], because: 'comes from spec.networks.services' },
  { of: 'apiServer', flags: ['service-account-key-file', 'service-account-signing-key-file', 'service-account-signing-endpoint'], because: 'is set by kubekeep, which keeps the service-account keys' },
  { of: 'apiServer', flags: ['kubelet-certificate-authority', 'kubelet-client-certificate', 'kubelet-client-key', 'proxy-client-cert-file', 'proxy-client-key-file', 'peer-ca-file'], because: 'is set by kubekeep, which issues the certificates' },
  { of: 'apiServer', flags: ['insecure-port', 'kubelet-https', 'cloud-provider', 'target-ram-mb', 'service-account-api-audiences'], because: removed },
  { of: 'apiServer', flags: ['enable-aggregator-routing'], because: 'is set by kubekeep: no kube-proxy runs on the hosts of API servers' },
  { of: 'controllerManager', flags: ['cluster-cidr', 'allocate-node-cidrs'], because: 'comes from spec.networks.pods' },
  { of: 'controllerManager', flags: ['service-cluster-ip-range'], because: 'comes from spec.networks.services' },
  { of: 'controllerManager', flags: ['cluster-signing-cert-file', 'cluster-signing-key-file', 'cluster-signing-kube*', 'cluster-signing-legacy-unknown-*', 'root-ca-file', 'service-account-private-key-file', 'use-service-account-credentials'], because: 'is set by kubekeep, which keeps the keys' },
  { of: 'controllerManager', flags: ['port', 'address', 'pod-eviction-timeout', 'enable-taint-manager', 'deleting-pods-burst'], because: removed },
  { of: 'scheduler', flags: ['config'], because: 'is set by kubekeep, which writes the configuration file' },
  { of: 'scheduler', flags: ['kube-api-*', 'profiling', 'contention-profiling'], because: 'has no effect beside the configuration file that kubekeep writes' },
  { of: 'scheduler', flags: ['port', 'address', 'algorithm-provider', 'policy-config-file', 'lock-object-name'], because: removed },
  { flags: ['leader-elect'], because: 'is set by kubekeep: of several hosts exactly one leads' },
  { flags: ['bind-address', 'secure-port', 'master'], because: 'is set by kubekeep from the address of the host' },
  { flags: ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'], because: 'is set by kubekeep, which writes the kubeconfigs' },
  { flags: ['tls-cert-file', 'tls-private-key-file', 'cert-dir', 'client-ca-file', 'requestheader-*'], because: 'is set by kubekeep, which issues the certificates' },
  { flags: ['logtostderr', 'log-dir'], because: removed },
  { flags: ['help', 'version'], because: 'makes the program print and end' },
];

const droppedGates = ['ConsistentListFromCache', 'StructuredAuthenticationConfiguration', 'StructuredAuthorizationConfiguration', 'AnonymousAuthConfigurableEndpoints', 'APIServerTracing'];
