import { hostsWith, type Cluster } from '../cluster/cluster.ts';
import { authorityFile, clientAuthoritiesFile, leafFiles } from './_pki-files.ts';
import { Secret } from '../lib/secret.ts';
import { steeringUser } from '../pki/leaves.ts';
import { servicePublicKey } from '../pki/secrets.ts';
import { commandLine, early, hardening, unitFile, unitMode } from './_unit-file.ts';
import { toYaml } from './_yaml.ts';
import type { ComponentDesign, RenderInput } from './design.ts';
import { credentialPath, pkiFolder, programPath, unitFolder } from './paths.ts';

const unit = 'kube-apiserver.service';
const folder = '/etc/kubernetes';
const shutdownDelay = 12;
const credentials = {
  'apiserver.key': `${pkiFolder}/apiserver.key`,
  'apiserver-etcd-client.key': `${pkiFolder}/apiserver-etcd-client.key`,
  'apiserver-kubelet-client.key': `${pkiFolder}/apiserver-kubelet-client.key`,
  'front-proxy-client.key': `${pkiFolder}/front-proxy-client.key`,
  'sa.key': `${pkiFolder}/sa.key`,
  'encryption.yaml': `${folder}/encryption.yaml`,
} as const;

/** An API server that listens on the host's own address, so that the balancer on the same host can have the VIP at the same port. */
export function renderApiServer(input: RenderInput): ComponentDesign | undefined {
  const { cluster, host, secrets } = input;
  if (!host.roles.includes('control-plane')) return undefined;
  const program = programPath('kube-apiserver', cluster.kubernetes.version);
  const config = (path: string, content: string | Secret) => ({ path, content, mode: content instanceof Secret ? 0o600 : 0o644, owner: 'root:root' });
  return {
    name: 'kube-apiserver',
    unit,
    programs: { 'kube-apiserver': program },
    files: [
      authorityFile(input, 'kubernetes', 'ca.crt'),
      authorityFile(input, 'front-proxy', 'front-proxy-ca.crt'),
      authorityFile(input, 'etcd', 'etcd/ca.crt'),
      clientAuthoritiesFile(input),
      ...leafFiles(input, ['apiserver', 'apiserver-etcd-client', 'apiserver-kubelet-client', 'front-proxy-client']),
      config(`${pkiFolder}/sa.pub`, servicePublicKey(secrets)),
      config(`${pkiFolder}/sa.key`, secrets.serviceAccountKey),
      config(`${folder}/encryption.yaml`, encryptionConfig(secrets.encryptionKey)),
      config(`${folder}/authentication.yaml`, authenticationConfig),
      config(`${folder}/authorization.yaml`, authorizationConfig),
      config(`${folder}/audit-policy.yaml`, auditPolicy),
      { path: `${unitFolder}/${unit}`, content: apiServerUnit(program, apiServerFlags(input)), mode: unitMode, owner: 'root:root' },
    ],
    onChange: 'restart',
  };
}

const auditFlags = {
  'audit-log-maxage': '30',
  'audit-log-maxbackup': '10',
  'audit-log-maxsize': '100',
  'audit-log-mode': 'batch',
  'audit-log-path': '/var/log/kubernetes/audit.log',
  'audit-policy-file': `${folder}/audit-policy.yaml`,
};

/** Kubernetes 1.37. `--goaway-chance` moves long-lived connections to servers that came back; with one server it would only disturb. */
function apiServerFlags({ cluster, host }: RenderInput): Record<string, string> {
  const stacked = host.roles.includes('etcd');
  const credential = (name: keyof typeof credentials) => credentialPath(unit, name);
  return {
    'advertise-address': host.address,
    'allow-privileged': 'true',
    ...auditFlags,
    'authentication-config': `${folder}/authentication.yaml`,
    'authorization-config': `${folder}/authorization.yaml`,
    'bind-address': host.address,
    'client-ca-file': `${pkiFolder}/client-ca.crt`,
    'enable-admission-plugins': 'NodeRestriction',
    // No kube-proxy runs here: what calls a Service, such as a webhook, goes to a pod behind it.
    'enable-aggregator-routing': 'true',
    'enable-bootstrap-token-auth': 'true',
    'encryption-provider-config': credential('encryption.yaml'),
    'etcd-cafile': `${pkiFolder}/etcd/ca.crt`,
    'etcd-certfile': `${pkiFolder}/apiserver-etcd-client.crt`,
    'etcd-compaction-interval': '5m',
    // HAProxy asks for the first by /livez, at most as often as this; the second is a part of /readyz.
    'etcd-healthcheck-timeout': '500ms',
    'etcd-keyfile': credential('apiserver-etcd-client.key'),
    'etcd-readycheck-timeout': '2s',
    // A stacked API server uses its own member only: they die and are taken out of rotation together, and no request waits for a dead endpoint.
    'etcd-servers': stacked ? 'https://127.0.0.1:2379' : hostsWith(cluster, 'etcd').map(({ address }) => `https://${address}:2379`).join(','),
    ...(hostsWith(cluster, 'control-plane').length > 1 && { 'goaway-chance': '0.001' }),
    'kubelet-certificate-authority': `${pkiFolder}/client-ca.crt`,
    'kubelet-client-certificate': `${pkiFolder}/apiserver-kubelet-client.crt`,
    'kubelet-client-key': credential('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP,Hostname',
    'peer-ca-file': `${pkiFolder}/ca.crt`,
    'profiling': 'false',
    'proxy-client-cert-file': `${pkiFolder}/front-proxy-client.crt`,
    'proxy-client-key-file': credential('front-proxy-client.key'),
    'request-timeout': '1m0s',
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': `${pkiFolder}/front-proxy-ca.crt`,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-uid-headers': 'X-Remote-Uid',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': '6443',
    'service-account-extend-token-expiration': 'false',
    'service-account-issuer': `https://kubernetes.default.svc.${cluster.networks.dnsDomain}`,
    'service-account-key-file': `${pkiFolder}/sa.pub`,
    'service-account-lookup': 'true',
    'service-account-signing-key-file': credential('sa.key'),
    'service-cluster-ip-range': cluster.networks.services,
    'shutdown-delay-duration': `${shutdownDelay}s`,
    'shutdown-send-retry-after': 'true',
    'shutdown-watch-termination-grace-period': '5s',
    'storage-media-type': 'application/vnd.kubernetes.protobuf',
    'tls-cert-file': `${pkiFolder}/apiserver.crt`,
    'tls-min-version': 'VersionTLS13',
    'tls-private-key-file': credential('apiserver.key'),
    'v': '2',
    ...cluster.kubernetes.apiServer.extraFlags,
  };
}

/** How many requests an API server may have in flight: priority and fairness share out the sum of what may read and what may write. */
export function inFlightLimit({ kubernetes: { apiServer: { extraFlags } } }: Pick<Cluster, 'kubernetes'>): number {
  return Number(extraFlags['max-requests-inflight'] ?? 400) + Number(extraFlags['max-mutating-requests-inflight'] ?? 200);
}

function apiServerUnit(program: string, flags: Record<string, string>): string {
  return unitFile({
    Unit: { Description: 'Kubernetes API server (kubekeep)', After: 'network-online.target etcd.service', Wants: 'network-online.target', StartLimitIntervalSec: 0 },
    Service: {
      Type: 'notify',
      User: 'kubernetes',
      Group: 'kubernetes',
      ExecStart: commandLine(program, flags),
      LoadCredential: Object.entries(credentials).map(([name, path]) => `${name}:${path}`),
      LogsDirectory: 'kubernetes',
      LogsDirectoryMode: '0700',
      Restart: 'always',
      RestartSec: 1,
      TimeoutStartSec: 'infinity',
      // The shutdown delay, and half a minute for open requests: one that hangs for its whole minute must not hold up a repair for longer.
      TimeoutStopSec: shutdownDelay + 30,
      LimitNOFILE: 65536,
      ...early,
      ...hardening,
    },
    Install: { WantedBy: 'multi-user.target' },
  });
}

/** How Secrets are encrypted in etcd. `key`: 32 bytes in base64. */
export function encryptionConfig(key: Secret): Secret {
  const document = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers: [{ secretbox: { keys: [{ name: 'k1', secret: key.reveal() }] } }, { identity: {} }] }],
  };
  return new Secret(toYaml(document));
}

/** The balancers' health checks have no identity: the three health paths, and nothing else, are open. */
const authenticationConfig = toYaml({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthenticationConfiguration',
  anonymous: { enabled: true, conditions: ['/livez', '/readyz', '/healthz'].map((path) => ({ path })) },
});

const authorizationConfig = toYaml({
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'AuthorizationConfiguration',
  authorizers: [
    { type: 'Node', name: 'node' },
    { type: 'RBAC', name: 'rbac' },
  ],
});

/** Who changed what: bodies of Secrets, ConfigMaps and tokens never, the noise of leases, events and health checks not at all. */
const auditPolicy = toYaml({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', nonResourceURLs: ['/livez*', '/readyz*', '/healthz*', '/version', '/openapi*'] },
    { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }, { group: '', resources: ['events'] }, { group: 'events.k8s.io', resources: ['events'] }] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets', 'configmaps', 'serviceaccounts/token'] }, { group: 'authentication.k8s.io', resources: ['tokenreviews'] }] },
    { level: 'None', verbs: ['get', 'list', 'watch'], users: ['system:kube-controller-manager', 'system:kube-scheduler', 'system:apiserver', steeringUser] },
    { level: 'Metadata', verbs: ['get', 'list', 'watch'] },
    { level: 'Request', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    { level: 'Metadata' },
  ],
});
